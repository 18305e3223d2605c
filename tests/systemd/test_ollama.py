"""The ladder under a really booted systemd; only Ollama itself is a stand-in.

Its unit is as Ollama's install.sh writes it, but for the stand-in's Python.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.home import wait_until
from tests.systemd.machine import Machine
from tests.systemd.people import PATIENCE_S, Person

pytestmark = pytest.mark.systemd

STAND_IN = Path(__file__).parents[1] / "support" / "ollama_stand_in.py"
DROP_IN = "/etc/systemd/system/ollama.service.d/50-vconsole.conf"
# The process shows `/usr/local/bin/ollama serve`, as the real one does.
INSTALL = f"""
id ollama >/dev/null 2>&1 || useradd --system --home-dir /usr/share/ollama ollama
mkdir -p /opt/ollama && cp {STAND_IN} /opt/ollama/serve
cat >/etc/systemd/system/ollama.service <<'UNIT'
[Unit]
Description=Ollama Service
After=network-online.target

[Service]
WorkingDirectory=/opt/ollama
ExecStart=/bin/bash -c 'exec -a /usr/local/bin/ollama {sys.base_prefix}/bin/python3 serve'
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment="PATH=/usr/bin:/bin" "PYTHONHOME={sys.base_prefix}" "OLLAMA_PORT=11434"

[Install]
WantedBy=default.target
UNIT
systemctl daemon-reload && systemctl enable ollama && systemctl restart ollama
"""
ALLOW_OPS = """
cat >/etc/polkit-1/rules.d/49-ops.rules <<'RULE'
polkit.addRule(function(action, subject) {
  if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "ops")
    return polkit.Result.YES;
});
RULE
systemctl restart polkit
"""


@pytest.fixture
def root(machine: Machine) -> Person:
    """Root, with Ollama installed and running."""
    person = Person(machine, "root")
    done = machine.run("bash", "-ec", INSTALL)
    assert done.returncode == 0, done.stderr
    answers = (sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1',11434))")
    wait_until("Ollama answers", lambda: machine.run(*answers).returncode == 0, PATIENCE_S)
    return person


def is_active(machine: Machine) -> bool:
    return machine.run("systemctl", "is-active", "ollama").returncode == 0


def is_enabled(machine: Machine) -> bool:
    return machine.run("systemctl", "is-enabled", "ollama").returncode == 0


def steps(report: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(step["name"], step["ok"]) for step in report["steps"]]


def test_each_rung_and_its_undoing(machine: Machine, root: Person) -> None:
    found = root.data("ollama", "status")
    assert (found["running"], found["owner_kind"], found["unit"]) == (
        *(True, "system unit", "ollama.service"),
    )
    assert (found["user"], found["enabled"], found["blocked"]) == ("ollama", True, False)
    assert [(m["name"], m["gpu_bytes"]) for m in found["models"]] == [("llama3:8b", 9 * 10**9)]

    unloaded = root.data("ollama", "unload")
    assert (unloaded["models"], unloaded["gpu_bytes"], unloaded["running"]) == ([], 0, True)
    assert root.data("ollama", "restore")["models"][0]["name"] == "llama3:8b"

    stopped = root.data("ollama", "stop")
    assert stopped["running"] is False
    assert steps(stopped)[0] == ("stop ollama.service", True)
    assert not is_active(machine)
    assert is_enabled(machine)
    restored = root.data("ollama", "restore")
    assert is_active(machine)
    assert restored["taken"] is None
    assert restored["models"][0]["name"] == "llama3:8b"

    root.data("ollama", "disable")
    assert not is_active(machine)
    assert not is_enabled(machine)
    root.data("ollama", "restore")
    assert is_active(machine)
    assert is_enabled(machine)


def test_a_block_survives_ollamas_own_installer(machine: Machine, root: Person) -> None:
    blocked = root.data("ollama", "block")
    assert blocked["blocked"] is True
    again = machine.run("bash", "-ec", INSTALL)
    assert again.returncode == 0, again.stderr
    assert not is_active(machine), "enabled and restarted by the installer, it stays away"
    assert root.data("ollama", "status")["blocked"] is True
    root.data("ollama", "restore")
    assert is_active(machine)
    assert machine.run("test", "-e", DROP_IN).returncode != 0
    assert machine.run("test", "-e", "/etc/vconsole").returncode != 0


def test_without_the_privilege_the_command_is_shown_and_nothing_changes(
    machine: Machine, root: Person
) -> None:
    amy = Person.new(machine, "amy", lingers=True)
    done = amy.vconsole("ollama", "stop", "--json")
    assert done.returncode == 5
    assert "sudo systemctl stop ollama.service" in done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert steps(report) == [("stop ollama.service", False)]
    assert report["running"] is True
    assert report["taken"]["waits"] is True
    assert is_active(machine)
    assert amy.vconsole("ollama", "block").returncode == 5
    assert machine.run("test", "-e", DROP_IN).returncode != 0


def test_the_command_that_is_shown_does_all_of_it_and_its_run_is_noticed(
    machine: Machine, root: Person
) -> None:
    ann = Person.new(machine, "ann", lingers=True)
    run_what_is_shown(ann, "block")
    assert not is_active(machine)
    found = ann.data("ollama", "status")
    assert (found["running"], found["blocked"]) == (False, True)
    assert found["taken"]["waits"] is False
    assert "was carried out by an administrator" in ann.vconsole("events").stdout
    run_what_is_shown(ann, "restore")
    assert is_active(machine)
    assert machine.run("test", "-e", DROP_IN).returncode != 0
    assert ann.data("ollama", "restore")["taken"] is None
    run_what_is_shown(ann, "disable")
    assert not is_active(machine)
    assert not is_enabled(machine)
    run_what_is_shown(ann, "restore")
    assert is_enabled(machine)


def run_what_is_shown(person: Person, verb: str) -> None:
    """Have it refused, and root run the command that it shows."""
    done = person.vconsole("ollama", verb, "--json")
    assert done.returncode == 5, done.stderr
    command = next(step["detail"] for step in json.loads(done.stdout)["steps"] if not step["ok"])
    ran = person.machine.run("bash", "-ec", command.replace("sudo ", ""))
    assert ran.returncode == 0, ran.stderr


def test_a_guest_in_anothers_unit_is_a_process_and_that_unit_is_left_alone(
    machine: Machine, root: Person
) -> None:
    machine.run("systemctl", "disable", "--now", "ollama")
    serve = f"cd /opt/ollama; exec -a ollama {sys.base_prefix}/bin/python3 serve"
    given = f"--setenv=OLLAMA_PORT=11434 --setenv=PYTHONHOME={sys.base_prefix}"
    lab = f"systemd-run --quiet --unit=lab {given} bash -c '({serve}) & sleep 600'"
    assert machine.run("bash", "-ec", lab).returncode == 0
    wait_until("it runs", lambda: root.data("ollama", "status")["running"], PATIENCE_S)
    found = root.data("ollama", "status")
    assert (found["owner_kind"], found["unit"]) == ("process", None)
    assert root.vconsole("ollama", "stop").returncode == 5
    assert root.data("ollama", "end", "--pid", str(found["pid"]))["running"] is False
    assert machine.run("systemctl", "is-active", "lab").returncode == 0
    machine.run("systemctl", "stop", "lab")
    machine.run("rm", "/root/.local/state/vconsole/ollama.json")


def test_a_container_is_named_behind_its_engines_proxy_which_is_left_alone(
    machine: Machine, root: Person
) -> None:
    """As docker does it: a proxy in its own unit holds the port, Ollama is in a scope."""
    machine.run("systemctl", "disable", "--now", "ollama")
    container = f"docker-{'ab' * 32}"
    serve = f"cd /opt/ollama; exec -a ollama {sys.base_prefix}/bin/python3 serve"
    given = f"OLLAMA_PORT=11435 PYTHONHOME={sys.base_prefix}"
    inside = f"{given} systemd-run --quiet --scope --unit={container} bash -c '{serve}'"
    proxy = (
        "systemd-run --quiet --unit=docker --setenv=PYTHONHOME="
        f"{sys.base_prefix} {sys.base_prefix}/bin/python3 -c '{PROXY}'"
    )
    done = machine.run("bash", "-ec", f"({inside}) >/dev/null 2>&1 & {proxy}")
    assert done.returncode == 0, done.stderr
    wait_until("it answers", lambda: root.data("ollama", "status")["models"], PATIENCE_S)
    found = root.data("ollama", "status")
    assert (found["owner_kind"], found["unit"]) == ("container", None)
    assert root.data("ollama", "unload")["models"] == []
    assert root.data("ollama", "restore")["models"][0]["name"] == "llama3:8b"
    refused = root.vconsole("ollama", "stop")
    assert refused.returncode == 5, "no docker is here"
    assert f"docker stop {'ab' * 6}" in refused.stderr
    # A stand-in for the engine's command, which does what the real one does to the processes.
    engine = f"printf '#!/bin/sh\nsystemctl stop docker-$2.scope\n' >{DOCKER}; chmod 755 {DOCKER}"
    machine.run("bash", "-ec", engine)
    stopped = root.data("ollama", "stop")
    assert steps(stopped)[0] == (f"stop container {'ab' * 6}", True)
    assert (stopped["models"], stopped["taken"]["waits"]) == ([], False)
    assert stopped["owner_kind"] == "forwarded port"
    machine.run("rm", DOCKER)
    again = root.vconsole("ollama", "restore")
    assert again.returncode == 5
    assert f"docker start {'ab' * 6}" in again.stderr
    assert root.vconsole("ollama", "end", "--pid", str(stopped["pid"])).returncode == 5
    assert machine.run("systemctl", "is-active", "docker").returncode == 0
    machine.run("systemctl", "stop", "docker")
    machine.run("rm", "/root/.local/state/vconsole/ollama.json")


DOCKER = "/usr/local/bin/docker"
# Passes 11434 on to 11435, a connection at a time.
PROXY = """
import socket, threading
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
server = socket.create_server(("127.0.0.1", 11434))
while True:
    here = server.accept()[0]
    try:
        there = socket.create_connection(("127.0.0.1", 11435))
    except OSError:
        here.close()
        continue
    for pair in ((here, there), (there, here)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def test_with_a_polkit_rule_an_ordinary_user_stops_and_restores(
    machine: Machine, root: Person
) -> None:
    ops = Person.new(machine, "ops", lingers=True)
    allowed = machine.run("bash", "-ec", ALLOW_OPS)
    assert allowed.returncode == 0, allowed.stderr
    assert ops.data("ollama", "stop")["running"] is False
    assert ops.data("ollama", "restore")["running"] is True


# What both ways of asking systemd say of a unit, and of one that is not there.
ASK_BOTH = """
import asyncio
from vconsole.host.units import Scope
from vconsole.host.units.bus import BusManager
from vconsole.host.units.command import CommandManager
async def ask():
    bus, command = await BusManager.connect(Scope.SYSTEM), CommandManager(Scope.SYSTEM)
    for name in ("ollama.service", "not-there.service"):
        said = [await manager.unit(name) for manager in (bus, command)]
        assert said[0] == said[1], said
    await bus.close()
asyncio.run(ask())
"""
NO_BUS = "unix:path=/run/no-bus-here"


def test_without_a_bus_systemctl_does_the_same(machine: Machine, root: Person) -> None:
    asked = machine.run(sys.executable, "-c", ASK_BOTH)
    assert asked.returncode == 0, asked.stderr
    root.vconsole("supervisor", "stop")
    assert root.data("ollama", "disable", DBUS_SYSTEM_BUS_ADDRESS=NO_BUS)["running"] is False
    assert not is_active(machine)
    assert not is_enabled(machine)
    assert root.data("ollama", "restore")["enabled"] is True
    assert is_active(machine)
    assert is_enabled(machine)
    root.data("supervisor", "stop")


def test_an_ollama_that_comes_back_is_told(machine: Machine, root: Person) -> None:
    root.data("ollama", "stop")
    machine.run("systemctl", "start", "ollama")

    def told() -> bool:
        done = root.vconsole("events", "--json")
        return any("Ollama is back" in line for line in done.stdout.splitlines())

    wait_until("its return is an event", told, PATIENCE_S)
    root.data("ollama", "restore")


def test_one_in_a_terminal_is_ended_by_its_number_only(machine: Machine, root: Person) -> None:
    machine.run("systemctl", "disable", "--now", "ollama")
    lou = Person.new(machine, "lou", lingers=True)
    serve = f"cd /opt/ollama; exec -a ollama {sys.base_prefix}/bin/python3 serve"
    given = {"OLLAMA_PORT": "11434", "PYTHONHOME": sys.base_prefix}
    # Outside of a login session, which logind would end with all that is in it.
    machine.without_login("lou", "setsid", "-f", "bash", "-c", f"{serve} >/dev/null 2>&1", **given)
    wait_until("it runs", lambda: lou.data("ollama", "status")["running"], PATIENCE_S)
    found = lou.data("ollama", "status")
    assert found["owner_kind"] == "process"
    refused = lou.vconsole("ollama", "stop")
    assert refused.returncode == 5
    assert f"vconsole ollama end --pid {found['pid']}" in refused.stderr
    assert lou.vconsole("ollama", "end").returncode == 2
    assert lou.data("ollama", "end", "--pid", str(found["pid"]))["running"] is False
    assert lou.data("ollama", "restore")["running"] is True
    lou.data("ollama", "end", "--pid", str(lou.data("ollama", "status")["pid"]))
