"""Writing `profiles.toml`: one table at a time, the rest and its comments as they were.

The file is written whole or not at all, readable for its owner only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profiles import Profile, load_profiles

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def require_profile(name: str, path: Path | None = None) -> Profile:
    """The profile of that name; without it an error that names those there are."""
    known = load_profiles(path)
    if name in known:
        return known[name]
    there = ", ".join(sorted(known)) or "there is none yet"
    raise VConsoleError(
        f"there is no profile {name!r}",
        f"known: {there}; `vconsole profile save {name}` makes one of the running server",
        ExitCode.USAGE,
        kind="no_profile",
    )


def save_profile(name: str, profile: Profile, path: Path | None = None) -> Path:
    """Write the table of `name`; of one that exists only what differs is changed."""
    if not NAME.match(name):
        raise VConsoleError(
            f"{name!r} cannot be a profile's name",
            "letters, digits, dots, dashes and underscores, 64 at most",
            ExitCode.USAGE,
        )
    path = path or paths.profiles_file()
    document = _document(path)
    table = document.get(name)
    if not isinstance(table, Table):
        table = tomlkit.table()
        document[name] = table
    _update(table, _plain(profile))
    _write(path, tomlkit.dumps(document))
    return path


def remove_profile(name: str, path: Path | None = None) -> None:
    path = path or paths.profiles_file()
    require_profile(name, path)
    document = _document(path)
    document.remove(name)
    _write(path, tomlkit.dumps(document))


def _plain(profile: Profile) -> dict[str, Any]:
    """What is worth writing: neither unknown nor what holds anyway."""
    table = asdict(profile)
    table["fallback"] = list(profile.fallback)
    if profile.plan:
        del table["plan"]
    if not profile.holds_requests:
        del table["holds_requests"]
    return {name: value for name, value in table.items() if value not in (None, {}, [])}


def _update(table: Table, wanted: Mapping[str, Any]) -> None:
    """Make the table say `wanted`, leaving alone what says so already."""
    for name in [name for name in table if name not in wanted]:
        table.remove(name)
    for name, value in wanted.items():
        held = table.get(name)
        if isinstance(value, dict) and isinstance(held, Table):
            _update(held, value)
        elif not (held is not None and _unwrapped(held) == value):
            table[name] = _subtable(value) if name in ("flags", "env", "service_level") else value


def _subtable(values: Mapping[str, Any]) -> Table:
    """A table of its own; objects in it stay on one line."""
    table = tomlkit.table()
    for name, value in values.items():
        if isinstance(value, dict):
            inline = tomlkit.inline_table()
            inline.update(value)
            table[name] = inline
        else:
            table[name] = value
    return table


def _unwrapped(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise VConsoleError(
            f"cannot read the profiles {path}: {error}",
            "fix or move that file; nothing in it was changed",
            ExitCode.USAGE,
        ) from error


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path.resolve() if path.is_symlink() else path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise VConsoleError(
            f"cannot write the profiles {path}: {error.strerror}",
            "see whether the disk is full or read-only; the profiles are as they were",
        ) from error
