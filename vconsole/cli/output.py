"""How commands print: data on stdout, words on stderr, figures as people write them."""

from __future__ import annotations

import sys

import msgspec

from vconsole.errors import VConsoleError

GIB = 2**30


def print_json(data: object) -> None:
    """One JSON object on one line of stdout."""
    sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line of progress, on stderr."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")


def print_error(error: VConsoleError, as_json: bool) -> None:
    say(f"error: {error.message}")
    if error.remedy:
        say(f"hint: {error.remedy}")
    if as_json:
        body = {"kind": error.kind, "message": error.message, "remedy": error.remedy}
        print_json({"error": body})


def duration(seconds: float | None) -> str:
    """`48 s`, `3m 12s`, `2h 05m`, `3d 04h`; a dash for unknown."""
    if seconds is None:
        return "—"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def gib(size_bytes: int | None) -> str:
    return "—" if size_bytes is None else f"{size_bytes / GIB:.1f} GiB"


def figure(value: float | None, unit: str = "", digits: int = 0) -> str:
    """A figure with thousands separated; a dash for unknown."""
    return "—" if value is None else f"{value:,.{digits}f}{unit}"


def percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"
