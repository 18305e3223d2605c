"""What a logout does to the supervisor and its servers, under a logind that ends what it may."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.support.home import wait_until
from tests.systemd.machine import Machine
from tests.systemd.people import PATIENCE_S, Person
from tests.systemd.stand_in import CHILD, ESCAPED

pytestmark = pytest.mark.systemd

TAKE_THE_PORTS_LOCK = """
import sys
from vconsole.supervisor.processes.portlock import lock_port
lock_port(int(sys.argv[1]))
"""
MAKE_A_REFUSING_SYSTEMD_RUN = """
mkdir /opt/refusing && cd /opt/refusing
printf '#!/bin/sh\necho Failed to start the scope >&2\nexit 1\n' >systemd-run
chmod 755 systemd-run
"""
RECORD = ".local/state/vconsole/servers/main/record.json"


def record_of(person: Person) -> dict[str, object]:
    found = json.loads(person.read(f"/home/{person.name}/{RECORD}"))
    assert isinstance(found, dict)
    return found


@pytest.mark.engine
@pytest.mark.long
def test_with_linger_supervisor_and_server_outlive_the_session(
    machine: Machine, engine_folder: Path
) -> None:
    ada = Person.new(machine, "ada", lingers=True, engine=str(engine_folder))
    assert "warning" not in ada.start("demo", VLLM_CPU_KVCACHE_SPACE="1").stderr
    ada.log_out()
    tree = {*ada.processes("vllm serve|VC-main::"), *ada.processes("vconsole.supervisor")}
    assert len(tree) >= 3, "supervisor, API server, EngineCore"
    about, server = ada.data("supervisor", "status"), ada.data("status")["server"]
    assert about["survives_logout"] is True
    assert about["survival_note"] is None
    assert about["owner"] == "user"
    assert server["state"] == "ready"
    assert {server["pid"], about["pid"]} < tree
    assert all("/app.slice/vconsole-" in ada.cgroup(pid) for pid in tree)
    assert ada.data("ask", "once upon a time", "--max-tokens", "4")["completion_tokens"] == 4
    ada.log_out()
    assert tree <= set(ada.processes())
    assert ada.data("stop")["survivors"] == []
    assert set(ada.processes()) & tree == {about["pid"]}


def test_a_server_in_a_scope_is_the_process_that_was_spawned(machine: Machine) -> None:
    """systemd-run becomes the server: pid, session, start time, tag and port lock are its own."""
    bea = Person.new(machine, "bea", lingers=True)
    bea.start()
    server, run = bea.data("status")["server"], record_of(bea)["run"]
    assert isinstance(run, dict)
    pid = server["pid"]
    fields = bea.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    assert run["leader"] == {"pid": pid, "start_ticks": int(fields[19])}
    assert int(fields[3]) == pid
    assert f"VCONSOLE_RUN={run['tag']}" in bea.read(f"/proc/{pid}/environ").split("\0")
    assert run["cgroup"] == bea.cgroup(pid)
    assert run["cgroup"].endswith(f"/app.slice/vconsole-{run['tag']}.scope")
    second = bea.vconsole("start", "/opt/model", "--name", "b", "--port", str(server["port"]))
    assert second.returncode == 5
    bea.data("supervisor", "stop", "--servers", "keep")
    lock = (sys.executable, "-c", TAKE_THE_PORTS_LOCK, str(server["port"]))
    assert "another server of vconsole has port" in machine.login("bea", *lock).stderr
    bea.data("stop")
    assert machine.login("bea", *lock).returncode == 0


def test_what_left_session_environment_and_parent_is_found_and_ended(machine: Machine) -> None:
    """The escape happens while no supervisor lives, so that no record can know of it."""
    cid = Person.new(machine, "cid", lingers=True)
    cid.start()
    pid = cid.data("status")["server"]["pid"]
    machine.run("kill", "-KILL", str(cid.data("supervisor", "status")["pid"]))
    machine.run("kill", "-USR1", str(pid))
    wait_until("it has escaped", lambda: cid.processes(ESCAPED), PATIENCE_S)
    [escaped] = cid.processes(ESCAPED)
    fields = cid.read(f"/proc/{escaped}/stat").rpartition(")")[2].split()
    assert int(fields[1]) != pid
    assert int(fields[3]) != pid
    assert cid.read(f"/proc/{escaped}/environ") == ""
    # As a whole number: a small one is also a part of times and tags.
    numbers = re.findall(r"(?<![\w.:-])\d+(?![\w.:-])", json.dumps(record_of(cid)))
    assert str(pid) in numbers
    assert str(escaped) not in numbers
    machine.run("kill", "-KILL", str(pid))
    cid.vconsole("stop")
    wait_until("all of it is gone", lambda: not cid.processes(f"{ESCAPED}|{CHILD}"), PATIENCE_S)


def test_without_a_session_the_manager_is_found_all_the_same(machine: Machine) -> None:
    """As from cron or sudo: no XDG_RUNTIME_DIR says where the user's manager is."""
    dan = Person.new(machine, "dan", lingers=True)
    dan.start(session=False)
    pid = dan.data("status", session=False)["server"]["pid"]
    assert dan.cgroup(pid).startswith("/user.slice/user-")
    assert "/app.slice/vconsole-main-" in dan.cgroup(pid)
    assert dan.data("stop", session=False)["survivors"] == []


def test_without_linger_the_first_command_says_what_will_happen_and_it_does(
    machine: Machine,
) -> None:
    eve = Person.new(machine, "eve")
    commands = "vconsole start /opt/model --port 8090 --json && vconsole supervisor status --json"
    done = eve.shell(commands)
    assert done.returncode == 0, done.stderr
    about = json.loads(done.stdout.splitlines()[-1])
    assert about["survives_logout"] is False
    assert done.stderr.count("`loginctl enable-linger eve` (may need sudo)") == 1
    assert f"warning: {about['survival_note']}\n" in done.stderr
    eve.log_out()
    wait_until("logind has ended all", lambda: not eve.processes(), PATIENCE_S)


def test_enabling_linger_is_seen_at_once(machine: Machine) -> None:
    fay = Person.new(machine, "fay")
    told = "vconsole supervisor status --json"
    start = "vconsole start /opt/model --port 8092"
    done = fay.shell(f"{start} && {told} && loginctl enable-linger fay && {told}")
    assert done.returncode == 0, done.stderr
    before, after = map(json.loads, done.stdout.splitlines()[-2:])
    assert before["survives_logout"] is False
    assert after["survives_logout"] is True
    assert after["pid"] == before["pid"]
    fay.log_out()
    assert fay.data("supervisor", "status")["pid"] == before["pid"]


def test_where_logind_spares_the_user_a_scope_would_shorten_the_life(machine: Machine) -> None:
    """Without linger a scope ends at the last logout; what stays in the session lives on."""
    spared = Person.new(machine, "spared")
    scope = ("systemd-run", "--user", "--scope", "--quiet", "--collect")
    machine.login("spared", "sh", "-c", f"{' '.join(scope)} sleep 77 & sleep 0.5")
    spared.log_out()
    wait_until("the scope's process is gone", lambda: not spared.processes("sleep 77"), PATIENCE_S)
    assert "warning" not in spared.start().stderr
    spared.log_out()
    about = spared.data("supervisor", "status")
    server = spared.data("status")["server"]
    assert about["survives_logout"] is True
    assert server["state"] == "ready"
    assert "/session-" in spared.cgroup(server["pid"])
    assert spared.data("stop")["survivors"] == []


def test_where_systemd_refuses_a_scope_the_start_goes_on(machine: Machine) -> None:
    gil = Person.new(machine, "gil", lingers=True)
    made = machine.run("sh", "-c", MAKE_A_REFUSING_SYSTEMD_RUN)
    assert made.returncode == 0, made.stderr
    done = gil.shell(
        "PATH=/opt/refusing:$PATH; vconsole start /opt/model --port 8091 --json"
        " && vconsole supervisor status --json && vconsole stop --json"
    )
    assert done.returncode == 0, done.stderr
    started, about, stopped = map(json.loads, done.stdout.splitlines())
    assert started["state"] == "ready"
    assert about["survives_logout"] is False
    assert "logind ends" in about["survival_note"]
    assert stopped["survivors"] == []
    log = gil.read("/home/gil/.local/state/vconsole/supervisor.log")
    assert "it starts without a scope, which systemd refused: Failed to start" in log


def test_the_scope_of_root_is_the_systems(machine: Machine) -> None:
    root = Person(machine, "root")
    root.start()
    pid = root.data("status")["server"]["pid"]
    assert root.cgroup(pid).startswith("/system.slice/vconsole-main-")
    root.log_out()
    assert root.data("status")["server"]["pid"] == pid
    assert root.data("stop")["survivors"] == []
