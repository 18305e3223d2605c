"""Imports are most of what a command costs, and the headless rooms stay headless."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import vconsole
from vconsole.cli.app import COMMANDS

HEADLESS = [
    module.name
    for module in pkgutil.walk_packages(vconsole.__path__, "vconsole.")
    if not module.name.startswith(("vconsole.tui", "vconsole.resources"))
    and not module.name.endswith("__main__")
]
EVERYDAY = ("status", "start", "stop", "ask", "logs", "events", "report")
LIGHT = sorted({f"vconsole.cli.{COMMANDS[name][0]}" for name in EVERYDAY})


# Imported one after the other, so that the first one that loads what it must not is named.
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
    if found := set(sys.argv[1].split()) & set(sys.modules):
        sys.exit(f"{name} loads {found}")
"""


def assert_not_loaded(unwanted: str, modules: list[str]) -> None:
    command = [sys.executable, "-c", IMPORT_ALL, unwanted, *modules]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_headless_modules_load_neither_textual_nor_an_engine() -> None:
    # httpx itself loads rich where it is installed.
    assert len(HEADLESS) > 400
    assert_not_loaded("textual vllm torch transformers", HEADLESS)


@pytest.mark.parametrize("module", LIGHT)
def test_everyday_commands_load_no_http_library(module: str) -> None:
    assert_not_loaded("httpx aiohttp psutil pynvml asyncio", [module])


def test_what_is_unwanted_is_named() -> None:
    with pytest.raises(AssertionError, match=r"vconsole\.tui\.app loads \{'textual'\}"):
        assert_not_loaded("textual", ["vconsole.tui.app"])
