"""Two boots of one system: what was wanted comes back with its unit, what was stopped does not.

The first boot ends in two ways: for one user as a shutdown ends it, for the others by a power cut.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import wait_until
from tests.systemd.conftest import SCRIPT
from tests.systemd.machine import Machine
from tests.systemd.people import PATIENCE_S, STAND_IN, Person
from tests.systemd.service import UNIT, server_pid, shown, until_active

pytestmark = pytest.mark.systemd


@pytest.fixture
def disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="vconsole-disk-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def test_what_was_wanted_comes_back_after_a_reboot(disk: Path, engine_folder: Path) -> None:
    base = (engine_folder / "bin" / "python").resolve().parent.parent
    first = Machine(engine_folder, base, disk=disk)
    try:
        first.run(sys.executable, str(SCRIPT), "--install", STAND_IN)
        first.run("mkdir", "/opt/model")
        first.run("touch", "/opt/model/config.json")
        cut, down, idle = (Person.new(first, name) for name in ("cut", "down", "idle"))
        for port, person in enumerate((cut, down, idle), 8071):
            person.vconsole("service", "install", "/opt/model", VCONSOLE_SERVER_PORT=str(port))
            until_active(person)
        boot = first.run("cat", "/proc/sys/kernel/random/boot_id").stdout
        idle.data("stop")
        uid = first.run("id", "-u", "down").stdout.strip()
        assert first.run("systemctl", "stop", f"user@{uid}").returncode == 0
        assert down.processes() == []
    finally:
        first.close()

    second = Machine(engine_folder, base, disk=disk)
    try:
        assert second.run("cat", "/proc/sys/kernel/random/boot_id").stdout != boot
        cut, down, idle = (Person(second, name) for name in ("cut", "down", "idle"))
        for person in (cut, down, idle):
            until_active(person)
            assert shown(person, "NRestarts") == "0"
        for person in (cut, down):
            wait_until("it is back", lambda who=person: server_pid(who) is not None, PATIENCE_S)
            assert person.data("status")["server"]["state"] == "ready"
        assert idle.data("status")["server"]["state"] == "stopped"
        assert idle.data("supervisor", "status")["unit"] == UNIT
    finally:
        second.close()
