"""The unit of the whole machine: everybody looks, its group acts, root installs and removes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.systemd.machine import Machine
from tests.systemd.people import Person
from tests.systemd.service import UNIT, start_journal, write

pytestmark = pytest.mark.systemd

SOCKET = "/run/vconsole/supervisor.sock"
KEY = "sk-of-the-machine-4711"


@pytest.fixture(scope="module")
def root(machine: Machine) -> Iterator[Person]:
    """Root, who installs the unit for all and takes it away again."""
    start_journal(machine)
    person = Person(machine, "root")
    write(machine, "root", "/etc/vllm-key", KEY)
    installed = person.data(
        *("service", "install", "/opt/model", "--system", "--api-key-file", "/etc/vllm-key")
    )
    assert (installed["scope"], installed["state"]) == ("system", "active")
    assert installed["linger"] is None
    yield person
    if person.data("service", "status", "--system")["installed"]:
        person.data("service", "uninstall", "--system", "--purge")


def machines_page(root: Person) -> dict[str, Any]:
    """What the machine's supervisor says; root may have one of its own."""
    return root.data("status", VCONSOLE_SOCKET=SOCKET)


def test_everybody_may_look_and_only_the_group_may_act(machine: Machine, root: Person) -> None:
    visitor, member = Person.new(machine, "visitor"), Person.new(machine, "member")
    assert machine.run("usermod", "-aG", "vconsole", "member").returncode == 0
    done = visitor.vconsole("status", "--json")
    assert f"the supervisor of the whole machine, {SOCKET}" in done.stderr
    page = visitor.data("status")
    assert page["server"]["state"] == "ready"
    assert page["supervisor"]["group"] == "vconsole"
    assert visitor.vconsole("events").returncode == 0
    assert visitor.vconsole("report").returncode == 0
    refused = visitor.vconsole("stop")
    assert refused.returncode == 5
    assert "only members of the group vconsole may act" in refused.stderr
    assert "sudo usermod -aG vconsole visitor" in refused.stderr
    pid = page["server"]["pid"]
    assert member.data("restart")["pid"] != pid
    own = "/home/visitor/.local/state/vconsole/supervisor.sock"
    assert visitor.vconsole("status", VCONSOLE_SOCKET=own).stdout.startswith("○ STOPPED")


def test_a_key_reaches_the_server_and_nothing_that_others_read(
    machine: Machine, root: Person
) -> None:
    pid = machines_page(root)["server"]["pid"]
    assert f"VLLM_API_KEY={KEY}" in root.read(f"/proc/{pid}/environ").split("\0")
    assert KEY not in machine.run("ps", "-eo", "args").stdout
    assert KEY not in machine.run("journalctl", "--no-pager").stdout
    kept = ("grep", "-rl", KEY, "/var/lib/vconsole", "/run/vconsole", "/var/cache/vconsole")
    assert machine.run(*kept).stdout == ""
    assert KEY not in machine.run("systemctl", "cat", UNIT).stdout


def test_it_runs_as_its_own_user_and_its_server_survives_it(machine: Machine, root: Person) -> None:
    page = machines_page(root)
    pid, supervisor = page["server"]["pid"], page["supervisor"]["pid"]
    owner = machine.run("stat", "-c", "%U", f"/proc/{pid}", f"/proc/{supervisor}").stdout
    assert owner.split() == ["vconsole", "vconsole"]
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", UNIT)
    again = f"until [ $(systemctl show -P NRestarts {UNIT}) != 0 ]; do sleep 0.2; done"
    machine.run("bash", "-c", again)
    machine.run("systemctl", "start", UNIT)
    page = machines_page(root)
    assert page["server"]["pid"] == pid
    assert page["supervisor"]["pid"] != supervisor


def test_who_is_not_root_is_shown_what_root_would_do(machine: Machine, root: Person) -> None:
    visitor = Person.new(machine, "visitor")
    for verb in (("install", "/opt/model"), ("uninstall",)):
        done = visitor.vconsole("service", *verb, "--system")
        assert done.returncode == 5
        assert f"service {' '.join(verb)} --system" in done.stderr
        assert "hint: sudo /" in done.stderr


def test_an_uninstall_leaves_nothing_on_the_machine(machine: Machine, root: Person) -> None:
    pid = machines_page(root)["server"]["pid"]
    gone = root.data("service", "uninstall", "--system", "--purge")
    assert gone["installed"] is False
    assert machine.run("test", "-e", f"/proc/{pid}").returncode != 0
    assert machine.run("id", "vconsole").returncode != 0
    find = ("find", "/etc", "/run", "/var/lib", "/var/cache", "-path", "/run/user", "-prune", "-o")
    left = machine.run(*find, "-name", "*vconsole*", "-print")
    assert left.stdout == ""
