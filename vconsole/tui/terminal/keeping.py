"""Writes a file that the user asked for: private, and with an error in words where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

from vconsole import paths
from vconsole.errors import VConsoleError


def keep(path: Path, text: str) -> None:
    """Replace the file by `text`, readable by this user alone."""
    try:
        paths.private_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise VConsoleError(f"cannot write {path}: {error}", "is the disk full?") from error
