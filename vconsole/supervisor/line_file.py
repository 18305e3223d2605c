"""A file of lines that each are written whole and synced; what a death tore off is cut off."""

from __future__ import annotations

import os
from pathlib import Path


def append_line(path: Path, line: bytes) -> None:
    """Add a line (mode 0600), on disk when this returns."""
    with path.open("ab") as file:
        os.chmod(path, 0o600)
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def whole_lines(path: Path) -> list[bytes] | None:
    """Its lines, a torn last one cut off the file too; None where there is no file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) < len(raw):
        os.truncate(path, len(whole))
    return whole.splitlines()
