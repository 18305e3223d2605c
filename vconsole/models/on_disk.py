"""The files of a model on this disk: where they are, and which model they are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from vconsole.models.hub.cache import cache_folder, repository_folder, repository_name, snapshot_of

WEIGHTS = (".safetensors", ".bin", ".pt", ".gguf")
CACHED = re.compile(r"/(?P<name>models--[^/]+)/snapshots/(?P<revision>[^/]+)/?\Z")


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files of the weights, in the order in which they are read; none where it is gone."""
    try:
        return tuple(sorted(file for file in folder.iterdir() if file.suffix in WEIGHTS))
    except OSError:
        return ()


def folder_of(model: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the files of a model lie: its folder, or its snapshot in the Hub's cache.

    `environment` says where that cache is. None where neither has a config.json of it.
    """
    path = Path(model)
    if path.is_dir():
        return path
    return snapshot_of(repository_folder(model, cache_folder(environment)))


def identity_of(folder: Path) -> str:
    """One text for one model, however it is called: `OWNER/NAME@REVISION`, or its true path.

    The bytes of its weights belong to it: what was exchanged in place is another model.
    """
    real = folder.resolve()
    found = CACHED.search(str(real))
    name = f"{repository_name(found['name'])}@{found['revision']}" if found else str(real)
    return f"{name} {_weights_bytes(folder)}"


def _weights_bytes(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in weight_files(folder))
    except OSError:
        return 0
