"""The demo models that ship with vconsole: small enough for any machine, no network needed."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

from vconsole import paths
from vconsole.errors import VConsoleError

DEFAULT_DEMO = "demo-lark"
NAMES = (DEFAULT_DEMO, "demo-owl")
# Eager: the compiler takes longer than such a model ever gains by it.
FLAGS = ("--enforce-eager", "--max-num-seqs", "64")


def is_demo(model: str) -> bool:
    return model == "demo" or model in NAMES


def demo_name(model: str) -> str:
    """`demo` alone means the first of them."""
    return DEFAULT_DEMO if model == "demo" else model


def demo_folder(model: str) -> Path:
    """The folder to serve a demo model from, copied into the data folder at first use."""
    name = demo_name(model)
    shipped = paths.resources_dir() / "demo_models" / name
    placed = paths.models_dir() / name
    if not _same_files(shipped, placed):
        _place(shipped, placed)
    return placed


def _same_files(shipped: Path, placed: Path) -> bool:
    names = [entry.name for entry in shipped.iterdir()]
    _, differing, missing = filecmp.cmpfiles(shipped, placed, names, shallow=False)
    return placed.is_dir() and not differing and not missing


def _place(shipped: Path, placed: Path) -> None:
    try:
        placed.mkdir(parents=True, exist_ok=True)
        for entry in shipped.iterdir():
            temporary = placed / f".{entry.name}.new"
            shutil.copyfile(entry, temporary)
            temporary.replace(placed / entry.name)
    except OSError as error:
        raise VConsoleError(
            f"cannot place the demo model in {placed}: {error.strerror}",
            "make room or make the folder writable, or set XDG_DATA_HOME",
        ) from error
