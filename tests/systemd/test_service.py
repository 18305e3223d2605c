"""A user's unit in a really booted systemd: handed over, killed, halted, stopped, taken away.

The server is a stand-in: only processes matter here. The real one is in test_service_engine.
"""

from __future__ import annotations

import json

import pytest

from tests.support.home import wait_until
from tests.systemd.machine import Machine
from tests.systemd.people import PATIENCE_S, PORTS, Person
from tests.systemd.service import (
    UNIT,
    server_pid,
    shown,
    start_journal,
    supervisor_pid,
    systemctl,
    until_active,
    until_restarted,
    write,
)

pytestmark = pytest.mark.systemd

SERVER = "/opt/engine/bin/vllm serve|child-of-the-stand-in"
# systemd's score from 0 (locked in) to 10; what CUDA needs costs the rest.
MOST_EXPOSED = 40


@pytest.fixture(scope="module", autouse=True)
def _journal(machine: Machine) -> None:
    start_journal(machine)


def served_by_a_unit(machine: Machine, name: str) -> Person:
    """A user who lingers, whose server ran under a supervisor of their own before."""
    person = Person.new(machine, name, lingers=True)
    person.start()
    pid = server_pid(person)
    report = person.data("service", "install", "/opt/model")
    assert (report["unit"], report["scope"], report["state"]) == (UNIT, "user", "active")
    assert server_pid(person) == pid, "handed over without being stopped"
    return person


@pytest.mark.parametrize("scope", ["user", "system"])
def test_what_is_written_is_what_systemd_understands(machine: Machine, scope: str) -> None:
    root = Person(machine, "root")
    printed = root.vconsole("service", "install", "/opt/model", f"--{scope}", "--print")
    assert printed.returncode == 0, printed.stderr
    assert root.vconsole("service", "status", f"--{scope}").stdout.startswith(f"{UNIT} is not")
    path = f"/tmp/{scope}-{UNIT}"
    write(machine, "root", path, printed.stdout, "644")
    verified = machine.run("systemd-analyze", "--man=no", "verify", path)
    assert (verified.returncode, verified.stderr) == (0, "")
    if scope == "system":
        rate = ("systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}")
        rated = machine.run(*rate, path)
        assert rated.returncode == 0, rated.stdout


def test_a_server_is_handed_over_and_lives_through_the_supervisors_death(
    machine: Machine,
) -> None:
    hal = Person.new(machine, "hal", lingers=True)
    write(machine, "hal", f"/home/hal/.config/systemd/user/{UNIT}.d/w.conf", QUICK_WATCHDOG)
    served_by_a_unit(machine, "hal")
    about, pid = hal.data("supervisor", "status"), server_pid(hal)
    assert (about["owner"], about["unit"]) == ("systemd", UNIT)
    assert about["socket"] == "/home/hal/.local/state/vconsole/supervisor.sock"
    assert "model is ready at http://" in shown(hal, "StatusText")

    machine.run("kill", "-KILL", str(about["pid"]))
    until_restarted(hal)
    until_active(hal)
    assert server_pid(hal) == pid

    halted = supervisor_pid(hal)
    machine.run("kill", "-STOP", str(halted))
    wait_until(
        "the watchdog ended it",
        lambda: halted not in hal.processes("supervisor run"),
        PATIENCE_S,
    )
    wait_until("another runs", lambda: shown(hal, "MainPID") not in {"0", str(halted)}, PATIENCE_S)
    until_active(hal)
    assert server_pid(hal) == pid, "the same server, adopted"
    assert "watchdog" in hal.vconsole("service", "journal").stdout.lower()


# Quick, but not so quick that a busy machine misses it.
QUICK_WATCHDOG = "[Service]\nWatchdogSec=10\n"


def test_a_stop_leaves_nothing_and_a_start_brings_it_back(machine: Machine) -> None:
    ivy = served_by_a_unit(machine, "ivy")
    url = ivy.data("status")["server"]["url"]
    assert systemctl(ivy, "stop", UNIT).returncode == 0
    assert ivy.processes(SERVER) == []
    assert ivy.processes("supervisor run") == []
    server = ivy.data("status")["server"]
    assert (server["state"], server["desired"]) == ("stopped", "running")
    systemctl(ivy, "start", UNIT)
    assert ivy.data("status")["server"]["url"] == url

    # A supervisor that cannot stop in time: what it leaves is reaped.
    late = "[Service]\nTimeoutStopSec=15\n"
    write(machine, "ivy", f"/home/ivy/.config/systemd/user/{UNIT}.d/late.conf", late)
    systemctl(ivy, "daemon-reload")
    machine.run("kill", "-USR2", str(server_pid(ivy)))
    systemctl(ivy, "stop", UNIT)
    assert shown(ivy, "Result") == "timeout"
    assert ivy.processes(SERVER) == []


def test_a_command_starts_the_unit_but_no_server_that_nobody_asked_for(machine: Machine) -> None:
    joe = served_by_a_unit(machine, "joe")
    systemctl(joe, "stop", UNIT)
    assert joe.data("ollama", "status")["running"] in {True, False}
    about = joe.data("supervisor", "status")
    assert (about["owner"], about["unit"]) == ("systemd", UNIT)
    assert joe.data("status")["server"]["state"] == "stopped"
    until_active(joe)
    joe.data("start", "/opt/model", "--port", str(next(PORTS)))
    joe.data("stop")
    # Stopped by its user: it stays so when its supervisor has to be started again.
    machine.run("kill", "-KILL", str(supervisor_pid(joe)))
    until_restarted(joe)
    until_active(joe)
    assert joe.data("status")["server"]["state"] == "stopped"


def test_what_cannot_be_served_is_not_tried_again(machine: Machine) -> None:
    kim = Person.new(machine, "kim")
    machine.run("cp", "-r", "/opt/model", "/opt/model-of-kim")
    kim.data("service", "install", "/opt/model-of-kim")
    assert machine.run("loginctl", "show-user", "kim", "-P", "Linger").stdout == "yes\n"
    kim.data("stop")
    systemctl(kim, "stop", UNIT)
    machine.run("rm", "-r", "/opt/model-of-kim")
    assert systemctl(kim, "start", UNIT).returncode != 0
    assert (shown(kim, "ActiveState"), shown(kim, "ExecMainStatus")) == ("failed", "78")
    assert shown(kim, "NRestarts") == "0"
    refused = kim.vconsole("service", "install", "/opt/model-of-kim")
    assert refused.returncode == 1
    assert "there is no folder /opt/model-of-kim" in refused.stderr
    # Another supervisor runs beside the failed unit, and says so.
    assert f"{UNIT} failed" in kim.vconsole("ollama", "status").stderr
    kim.data("supervisor", "stop")


def test_an_uninstall_leaves_no_trace(machine: Machine) -> None:
    lea = Person.new(machine, "lea")
    before = machine.run("find", "/home/lea/.config", "/var/lib/systemd/linger").stdout
    installed = lea.data("service", "install", "/opt/model")
    assert (installed["linger"], installed["enabled"]) == (True, True)
    assert lea.data("service", "diff")["differs"] is False
    assert lea.data("service", "diff", "demo")["differs"] is True
    again = lea.vconsole("service", "install")
    assert "is as it would be" in again.stderr
    pid = server_pid(lea)
    gone = lea.data("service", "uninstall")
    assert (gone["installed"], gone["linger"]) == (False, False)
    assert pid not in lea.processes()
    after = machine.run("find", "/home/lea/.config", "/var/lib/systemd/linger").stdout
    left = set(after.split()) - set(before.split())
    assert left <= {f"/home/lea/.config{one}" for one in ("", "/systemd", "/systemd/user")}
    assert lea.vconsole("service", "uninstall").returncode == 5


def test_an_uninstall_may_keep_the_server(machine: Machine) -> None:
    moe = served_by_a_unit(machine, "moe")
    pid = server_pid(moe)
    moe.data("service", "uninstall", "--keep-servers")
    assert server_pid(moe) == pid
    assert moe.data("supervisor", "status")["owner"] == "user"
    assert moe.data("stop")["survivors"] == []


def test_without_the_privilege_to_linger_the_command_is_shown(machine: Machine) -> None:
    ned = Person.new(machine, "ned")
    machine.run("bash", "-ec", FORBID_LINGER)
    done = ned.vconsole("service", "install", "/opt/model", "--json")
    assert done.returncode == 0, done.stderr
    assert "sudo loginctl enable-linger ned" in done.stderr
    assert json.loads(done.stdout)["linger"] is False
    machine.run("bash", "-ec", "rm /etc/polkit-1/rules.d/40-ned.rules; systemctl restart polkit")


FORBID_LINGER = """
cat >/etc/polkit-1/rules.d/40-ned.rules <<'RULE'
polkit.addRule(function(action, subject) {
  if (action.id == "org.freedesktop.login1.set-self-linger" && subject.user == "ned")
    return polkit.Result.NO;
});
RULE
systemctl restart polkit
"""


def test_a_manager_that_takes_long_to_come_up_is_waited_for(machine: Machine) -> None:
    """As on a busy machine: lingering, enabled a moment ago, has only begun its start."""
    ola = Person.new(machine, "ola")
    _before_the_manager_of(ola, "/bin/sleep 25")
    done = ola.vconsole("service", "install", "/opt/model", "--json", session=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "active"
    assert ola.data("service", "uninstall", session=False)["linger"] is False


def test_a_manager_without_a_bus_is_talked_to_by_systemctl(machine: Machine) -> None:
    """As where dbus-user-session is not installed."""
    quo = Person.new(machine, "quo")
    units = "/home/quo/.config/systemd/user"
    write(machine, "quo", f"{units}/note", "")
    machine.run("ln", "-s", "/dev/null", f"{units}/dbus.socket")
    quo.log_out()
    installed = quo.data("service", "install", "/opt/model", session=False)
    assert (installed["state"], installed["linger"]) == ("active", True)
    uid = machine.run("id", "-u", "quo").stdout.strip()
    assert machine.run("test", "-e", f"/run/user/{uid}/bus").returncode != 0
    assert quo.data("supervisor", "status", session=False)["unit"] == UNIT
    assert quo.data("service", "uninstall", session=False)["installed"] is False


def test_a_manager_that_will_not_come_is_told(machine: Machine) -> None:
    pia = Person.new(machine, "pia")
    told = pia.data("service", "status", session=False)
    assert (told["state"], told["linger"]) == ("unknown", False)
    unit = _before_the_manager_of(pia, "/bin/false")
    done = pia.vconsole("service", "install", "/opt/model", session=False)
    assert done.returncode == 5
    assert f"{unit}, failed to start" in done.stderr
    assert f"sudo systemctl restart {unit}" in done.stderr


def _before_the_manager_of(person: Person, command: str) -> str:
    """Have this run before the user's manager starts; returns its unit."""
    unit = f"user@{person.machine.run('id', '-u', person.name).stdout.strip()}.service"
    path = f"/etc/systemd/system/{unit}.d/before.conf"
    write(person.machine, "root", path, f"[Service]\nExecStartPre={command}\n", "644")
    person.machine.run("systemctl", "daemon-reload")
    return unit
