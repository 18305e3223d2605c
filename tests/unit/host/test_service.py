"""The unit's text, what it is told, why it starts, what a stop of it ends, and who may act."""

from __future__ import annotations

import configparser
import grp
import os
import shlex
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.host.membership import is_outside
from vconsole.host.service import credentials
from vconsole.host.service.notify import Notifier
from vconsole.host.service.plan import LEFT_SERVERS_RUNNING, Limits, UnitPlan
from vconsole.host.service.text import own_values, unit_text
from vconsole.host.units import Scope
from vconsole.supervisor import peers
from vconsole.supervisor.model import Failure, ServerState, ServerStatus, Status
from vconsole.supervisor.peers import Peer
from vconsole.supervisor.servers.restarts import RestartPolicy
from vconsole.supervisor.unit import occasion
from vconsole.supervisor.unit.occasion import Mark, Occasion
from vconsole.supervisor.unit.planning import plan_unit
from vconsole.supervisor.unit.reaping import ends_servers, reap
from vconsole.supervisor.unit.serving import status_text
from vconsole.tui.actions import BY_ID
from vconsole.tui.view import Link, View

PLAN = UnitPlan(
    *(Scope.USER, "50% off $HOME", ("/opt/my tools/vconsole",), Limits(5, 1800, 55)),
    state=Path("/state"),
    environment={"HF_HOME": 'a "b" c'},
    credentials={"api_key": Path("/keys/50%")},
)


def lines_of(text: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def test_what_a_unit_would_expand_or_split_is_quoted() -> None:
    text = unit_text(PLAN)
    [command] = lines_of(text, "ExecStart")
    words = [word.replace("$$", "$").replace("%%", "%") for word in shlex.split(command)]
    assert words[0] == "/opt/my tools/vconsole"
    assert words[1:] == ["supervisor", "run", "--serve", "50% off $HOME"]
    assert lines_of(text, "Environment") == ['"HF_HOME=a \\"b\\" c"']
    assert lines_of(text, "LoadCredential") == ["api_key:/keys/50%%"]
    assert own_values(text)["Profile"] == "50% off $HOME"


def test_what_would_break_cuda_or_an_adoption_is_not_in_it() -> None:
    text = unit_text(replace(PLAN, scope=Scope.SYSTEM))
    for option in ("PrivateTmp", "PrivateDevices", "MemoryDenyWriteExecute", "PrivateUsers"):
        assert lines_of(text, option) == []
    assert lines_of(text, "KillMode") == ["process"]
    assert lines_of(text, "RuntimeDirectoryPreserve") == ["restart"]


def test_the_limits_are_the_supervisors_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").touch()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("VCONSOLE_SERVER_DRAIN_S", "40")
    plan = plan_unit(Scope.USER, str(tmp_path / "model"), {}).unit
    policy = RestartPolicy()
    assert (plan.limits.restarts, plan.limits.window_s) == (policy.limit, policy.window_s)
    assert plan.limits.stop_s >= 40 + 30
    assert plan.environment["VCONSOLE_SERVER_DRAIN_S"] == "40"
    assert "hf_secret" not in unit_text(plan)
    parsed = configparser.RawConfigParser(strict=False)
    parsed.read_string(unit_text(plan))
    assert parsed.sections() == ["Unit", "Service", "Install", "X-VConsole"]


def test_a_key_that_others_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-1")
    key.chmod(0o644)
    with pytest.raises(VConsoleError, match="others can read"):
        plan_unit(Scope.USER, "demo", {"api_key": key})
    key.chmod(0o600)
    text = unit_text(plan_unit(Scope.USER, "demo", {"api_key": key}).unit)
    assert lines_of(text, "LoadCredential") == [f"api_key:{key}"]
    assert "sk-1" not in text


def test_credentials_become_variables(tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text("sk-1\n")
    found = credentials.given({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found == {"VLLM_API_KEY": "sk-1"}
    assert credentials.given({}) == {}


def test_words_reach_the_manager_a_line_each_and_no_child_inherits_the_way(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}
        notifier = Notifier(environ)
        assert (environ, notifier.watched) == ({}, True)
        assert notifier.send(READY=1, STATUS="a\nb")
        assert manager.recv(100) == b"READY=1\nSTATUS=a b"
    path.unlink()
    assert not notifier.send(WATCHDOG=1), "a manager that is gone is no error"
    assert not Notifier({}).send(READY=1)


@pytest.mark.parametrize(
    ("result", "status", "ends"),
    [
        ("success", "0", True),
        ("timeout", "KILL", True),
        ("success", str(LEFT_SERVERS_RUNNING), False),
        ("signal", "KILL", False),
        ("core-dump", "ABRT", False),
        ("watchdog", "ABRT", False),
        ("exit-code", "1", False),
        ("oom-kill", "KILL", False),
    ],
)
def test_only_a_stop_ends_what_is_left(result: str, status: str, ends: bool) -> None:
    assert ends_servers(result, status) is ends


def test_nobody_reaps_by_hand() -> None:
    with pytest.raises(VConsoleError, match="only a unit"):
        reap({})


@pytest.mark.parametrize(
    ("mark", "expected"),
    [(Mark.LEFT, Occasion.BY_HAND), (Mark.RUNNING, Occasion.CRASH), (Mark.QUIET, Occasion.QUIET)],
)
def test_why_it_starts_is_what_the_last_one_left(mark: Mark, expected: Occasion) -> None:
    paths.private_folder(paths.state_dir())
    assert occasion.occasion() is Occasion.BY_HAND
    occasion.leave(mark)
    assert occasion.occasion() is expected
    note = occasion.note_path().read_text()
    occasion.note_path().write_text(note.replace('"boot_id":"', '"boot_id":"another-'))
    assert occasion.occasion() is Occasion.BOOT
    occasion.note_path().write_text("{")
    assert occasion.occasion() is Occasion.BOOT


def test_the_status_is_a_line_with_phase_and_percent() -> None:
    loading = ServerStatus("main", ServerState.STARTING, served_name="qwen", phase="weights")
    loading = replace(loading, progress=0.333, eta_s=41.2)
    assert status_text(loading) == "qwen is starting: weights 33%, about 41 s to go"
    ready = ServerStatus("main", ServerState.READY, served_name="qwen", url="http://h:1")
    assert status_text(ready) == "qwen is ready at http://h:1"
    failure = Failure("oom", "no memory", datetime.now(UTC))
    failed = ServerStatus("main", ServerState.FAILED, last_failure=failure)
    assert status_text(failed) == "main is in failed: no memory"


@pytest.mark.parametrize(
    ("method", "groups", "shared", "allowed"),
    [
        ("GET", (), 7, True),
        ("GET", (), None, False),
        ("POST", (), 7, False),
        ("POST", (5, 7), 7, True),
        ("POST", (5, 7), None, False),
        ("DELETE", (5,), 7, False),
    ],
)
def test_everybody_looks_and_the_group_acts(
    method: str,
    groups: tuple[int, ...],
    shared: int | None,
    allowed: bool,
) -> None:
    peer = Peer(os.geteuid() + 4242, frozenset(groups))
    if allowed:
        peers.require(peer, method, shared)
        return
    with pytest.raises(VConsoleError) as refusal:
        peers.require(peer, method, shared)
    assert refusal.value.exit_code == 5


def test_a_console_knows_beforehand_that_it_may_only_look(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = grp.getgrgid(os.getegid()).gr_name, "no-group-of-this-name"
    stop = BY_ID["server.stop"]
    view = View(datetime.now(UTC), Link.LIVE, Status(ServerStatus("main", ServerState.READY)))
    assert stop.reason(view) is None
    assert "only members of the group vconsole may act" in (
        stop.reason(replace(view, only_for="vconsole")) or ""
    )
    assert BY_ID["screen.host"].reason(replace(view, only_for="vconsole")) is None
    assert not is_outside(other, os.getpid())
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert not is_outside(ours, 1)
    assert is_outside(other, os.getpid())


def test_our_own_user_may_do_everything() -> None:
    peers.require(Peer(os.geteuid(), frozenset()), "POST", None)
    peers.require(Peer(0, frozenset()), "POST", 7)


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = peers.peer_of(ours)
    assert peer.uid == os.geteuid()
    assert {os.getegid(), *os.getgroups()} == peer.groups
