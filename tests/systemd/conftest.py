"""One booted machine for all tests here, with the shared engine and a stand-in for one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import Machine
from tests.systemd.people import STAND_IN

SCRIPT = Path(__file__).parent / "stand_in.py"


@pytest.fixture(scope="session")
def engine_folder(engine_python: str) -> Path:
    """The shared engine under the name that it keeps when another becomes the current one."""
    return Path(engine_python).parent.parent.resolve()


@pytest.fixture(scope="session")
def machine(engine_folder: Path) -> Iterator[Machine]:
    base = (engine_folder / "bin" / "python").resolve().parent.parent
    made = Machine(engine_folder, base)
    try:
        for command in (
            (sys.executable, str(SCRIPT), "--install", STAND_IN),
            ("mkdir", "/opt/model"),
            ("touch", "/opt/model/config.json"),
        ):
            done = made.run(*command)
            assert done.returncode == 0, done.stderr
        session = made.login("root", "sh", "-c", 'test -S "$XDG_RUNTIME_DIR/bus"')
        assert session.returncode == 0, "a login has no bus: .ci/run installs what it needs"
        yield made
    finally:
        made.close()
