"""One booted machine for all tests here, with a stand-in for an engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import Machine

STAND_IN = Path(__file__).parent / "stand_in.py"


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    made = Machine()
    try:
        for command in (
            (sys.executable, str(STAND_IN), "--install", "/opt/engine"),
            ("mkdir", "/opt/model"),
            ("touch", "/opt/model/config.json"),
        ):
            done = made.run(*command)
            assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.close()
