"""Engines of a fresh data folder without installing anything: hard links to an installed one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def link_engine(python: Path, folder: Path) -> Path:
    """The environment of `python` once more at `folder`, by hard links, with scripts of its own."""
    original = python.parent.parent
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(original, folder, symlinks=True, copy_function=os.link)
    for script in (folder / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        text = script.read_bytes()
        if str(original).encode() in text[:4096]:
            mode = script.stat().st_mode
            script.unlink()
            script.write_bytes(text.replace(str(original).encode(), str(folder).encode()))
            script.chmod(mode)
    folder.chmod(0o700)
    return folder / "bin" / "python"
