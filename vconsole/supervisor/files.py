"""Writing whole or not at all, readable for the owner only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, keep: bool = False) -> None:
    """Replace `path` (mode 0600) so that a reader sees the old content or the new, never a part.

    With `keep` what it replaces stays at `previous(path)`, for when the new one is ruined.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if keep:
            _keep(path)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def previous(path: Path) -> Path:
    """Where `write_atomically` keeps what it replaced."""
    return path.with_name(f"{path.name}.previous")


def _keep(path: Path) -> None:
    """Give what is at `path` a second name; some file systems cannot, and the new matters more."""
    second = path.with_name(f".{path.name}.{os.getpid()}.previous")
    with contextlib.suppress(OSError):
        second.unlink(missing_ok=True)
        os.link(path, second)
        second.replace(previous(path))


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be read, so that it is kept and no longer in the way."""
    number = 1
    while (kept := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    path.rename(kept)
    return kept
