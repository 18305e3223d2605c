"""`--readonly`: whether anything may be changed."""

from __future__ import annotations

import os

from vconsole.errors import ExitCode, VConsoleError
from vconsole.settings import TRUE_WORDS


def is_readonly() -> bool:
    return os.environ.get("VCONSOLE_READONLY", "").lower() in TRUE_WORDS


def require_writable(verb: str) -> None:
    """Refuse a changing verb under `--readonly` (exit code 5)."""
    if is_readonly():
        raise VConsoleError(
            f"{verb} changes something, and this is read-only",
            "leave out --readonly and unset VCONSOLE_READONLY",
            ExitCode.REFUSED,
            kind="readonly",
        )
