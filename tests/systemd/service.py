"""A user of a booted machine who has a service, and a journal to look into."""

from __future__ import annotations

from tests.support.home import wait_until
from tests.systemd.machine import Done, Machine
from tests.systemd.people import PATIENCE_S, Person

START_THE_JOURNAL = """
cd /etc/systemd/system && rm -f systemd-journald.service systemd-journal-flush.service
mkdir -p /var/log/journal && systemctl daemon-reload
systemctl start systemd-journald.socket systemd-journald && journalctl --flush
"""
UNIT = "vconsole.service"


def start_journal(machine: Machine) -> None:
    done = machine.run("bash", "-ec", START_THE_JOURNAL)
    assert done.returncode == 0, done.stderr


def systemctl(person: Person, *words: str) -> Done:
    """As the user, for the user's units."""
    return person.machine.login(person.name, "systemctl", "--user", *words)


def shown(person: Person, name: str) -> str:
    """A property of the user's unit."""
    return systemctl(person, "show", UNIT, f"--property={name}", "--value").stdout.strip()


def until_active(person: Person) -> None:
    wait_until("the unit is active", lambda: shown(person, "ActiveState") == "active", PATIENCE_S)


def until_restarted(person: Person) -> None:
    """Wait until systemd has started the unit once more by itself."""
    wait_until("systemd started it again", lambda: shown(person, "NRestarts") != "0", PATIENCE_S)


def server_pid(person: Person) -> int:
    pid = person.data("status")["server"]["pid"]
    assert isinstance(pid, int)
    return pid


def supervisor_pid(person: Person) -> int:
    pid = person.data("supervisor", "status")["pid"]
    assert isinstance(pid, int)
    return pid


def write(machine: Machine, person: str, path: str, text: str, mode: str = "600") -> None:
    """A file of that user's, with the folders above it."""
    script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1" && chmod "$3" "$1"'
    done = machine.login(person, "bash", "-c", script, "-", path, text, mode)
    assert done.returncode == 0, done.stderr
