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


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.mark.parametrize("module", HEADLESS)
def test_a_headless_module_loads_neither_textual_nor_an_engine(module: str) -> None:
    # httpx itself loads rich where it is installed.
    assert not {"textual", "vllm", "torch", "transformers"} & loaded_by(module)


@pytest.mark.parametrize("module", LIGHT)
def test_everyday_commands_load_no_http_library(module: str) -> None:
    assert not {"httpx", "aiohttp", "psutil", "pynvml", "asyncio"} & loaded_by(module)
