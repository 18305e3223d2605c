"""What is concluded from the answers of systemctl and loginctl (scripts that print them here)."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from vconsole.host import procfs, systemd
from vconsole.supervisor.processes import scope
from vconsole.supervisor.processes.scope import offered
from vconsole.supervisor.processes.survival import judge, scoping_to_survive
from vconsole.supervisor.processes.tree import ProcessId, identify

ME = pwd.getpwuid(os.geteuid()).pw_name
ADA = systemd.Facts(1001, "ada", booted=True, manager_version=252)
SESSION = "/user.slice/user-1001.slice/session-3.scope"
MANAGER = "/user.slice/user-1001.slice/user@1001.service/app.slice/vconsole-supervisor-1.scope"


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for scripts named `systemctl` and `loginctl`, on a machine that counts as booted."""
    monkeypatch.setattr(systemd, "BOOTED", tmp_path)
    monkeypatch.setattr(systemd, "LINGER", tmp_path / "linger")
    monkeypatch.setattr(systemd, "TIMEOUT_S", 0.5)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    answer(tmp_path, "systemctl", "Version=252.39-1~deb12u2")
    answer(tmp_path, "loginctl", "KillUserProcesses=no", "KillOnlyUsers=", "KillExcludeUsers=")
    return tmp_path


def answer(folder: Path, tool: str, *lines: str) -> None:
    (folder / tool).write_text("\n".join(["#!/bin/sh", *(f"echo '{line}'" for line in lines)]))
    (folder / tool).chmod(0o755)


def test_nothing_is_asked_where_no_systemd_is_booted(
    answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "BOOTED", answers / "missing")
    assert systemd.look(0) == systemd.Facts(0, "root")


@pytest.mark.parametrize(
    ("flag", "only", "excluded", "kills"),
    [
        ("no", "", "other", False),
        ("yes", "", "other", True),
        ("yes", "", f"other {ME}", False),
        ("yes", "other", "other", False),
        ("no", f"other {ME}", "other", True),
        ("yes", ME, ME, False),
    ],
)
def test_the_rules_of_logind(
    answers: Path, flag: str, only: str, excluded: str, kills: bool
) -> None:
    rules = (f"KillUserProcesses={flag}", f"KillOnlyUsers={only}", f"KillExcludeUsers={excluded}")
    answer(answers, "loginctl", *rules)
    assert systemd.look().kills_at_logout is kills


def test_root_is_excluded_by_default(answers: Path) -> None:
    answer(answers, "loginctl", "KillUserProcesses=yes", "KillOnlyUsers=", "KillExcludeUsers=")
    assert systemd.look(0).kills_at_logout is False


def test_silence_is_unknown(answers: Path) -> None:
    (answers / "loginctl").write_text("#!/bin/sh\nexec sleep 9\n")
    (answers / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    seen = systemd.look(0)
    assert (seen.manager_version, seen.kills_at_logout) == (None, None)


def test_manager_and_linger(answers: Path) -> None:
    assert systemd.look(0).manager_version == 252
    assert systemd.look(0).lingers is False
    (answers / "linger").mkdir()
    (answers / "linger" / "root").touch()
    assert systemd.look(0).lingers is True


def test_a_scope_is_taken_only_where_it_shortens_no_life() -> None:
    for lingers in (True, False, None):
        for kills in (True, False, None):
            found = offered(replace(ADA, lingers=lingers, kills_at_logout=kills))
            assert (found is not None) == (lingers is True or kills is True)
    assert offered(replace(ADA, lingers=True, manager_version=None)) is None
    assert offered(systemd.Facts(0, "root", booted=True, manager_version=252)) is not None


def test_the_command_of_a_scope() -> None:
    scoping = offered(replace(ADA, lingers=True))
    assert scoping is not None
    command = scoping.around("main-1f", "a server", ("vllm", "serve", "$HOME"))
    assert command[1:4] == ("--user", "--scope", "--quiet")
    assert command[-5:] == ("--description=a server", "--", "vllm", "serve", "$HOME")
    assert "--unit=vconsole-main-1f.scope" in command
    assert scoping.environment["XDG_RUNTIME_DIR"] == "/run/user/1001"
    newer, older = (offered(replace(ADA, lingers=True, manager_version=v)) for v in (256, 245))
    assert newer is not None
    assert "--expand-environment=no" in newer.prefix
    assert older is not None
    assert not {"--expand-environment=no", "--property=OOMPolicy=continue"} & {*older.prefix}


def test_only_the_cgroup_of_the_runs_own_scope_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forged or corrupt record cannot make strangers ours."""
    monkeypatch.setattr(scope, "MOUNTS", (tmp_path,))
    for name in ("a/vconsole-main-1.scope/inner", "b/session-1.scope"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "cgroup.procs").write_text(f"{os.getpid()}\n0\n")
    assert scope.members("/a/vconsole-main-1.scope", "main-1") == {identify(os.getpid())}
    for wrong in (None, "/", "", "/a", "/b/session-1.scope", "/a/vconsole-main-1.scope/inner"):
        assert scope.members(wrong, "main-1") == frozenset()
    assert scope.members("/a/vconsole-main-1.scope", "main-2") == frozenset()
    assert scope.members("/a/vconsole-main-9.scope", "main-9") == frozenset()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/user.slice/a:b.scope\n", "/user.slice/a:b.scope"),
        ("2:pids:/x\n1:name=systemd:/legacy\n", "/legacy"),
        ("1:name=systemd:/hybrid\n0::/hybrid\n", "/hybrid"),
        ("1:name=systemd:/legacy\n0::/\n", "/legacy"),
        ("0::/\n", None),
        ("", None),
        ("nonsense\n", None),
    ],
)
def test_the_cgroup_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str | None
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(text)
    monkeypatch.setattr(procfs, "PROC", tmp_path)
    assert procfs.cgroup(7) == path
    assert scope.cgroup_of(ProcessId(7, 1), "main-1") is None


@pytest.mark.parametrize(
    ("cgroup", "lingers", "kills", "survives"),
    [
        (SESSION, False, True, False),
        (SESSION, True, True, False),
        (SESSION, False, False, True),
        (SESSION, False, None, None),
        (MANAGER, False, True, False),
        (MANAGER, False, False, False),
        (MANAGER, True, True, True),
        (MANAGER, None, True, None),
        ("/system.slice/cron.service", False, True, True),
        (None, False, True, True),
    ],
)
def test_what_a_logout_does(
    cgroup: str | None, lingers: bool | None, kills: bool | None, survives: bool | None
) -> None:
    outlook = judge(cgroup, replace(ADA, lingers=lingers, kills_at_logout=kills))
    assert outlook.survives_logout is survives
    assert ("`loginctl enable-linger ada`" in (outlook.note or "")) == (survives is False)


def test_a_supervisor_moves_only_out_of_a_session_that_would_end_it() -> None:
    endangered = replace(ADA, lingers=True, kills_at_logout=True)
    assert scoping_to_survive(SESSION, endangered) is not None
    assert scoping_to_survive(MANAGER, endangered) is None
    assert scoping_to_survive(SESSION, replace(endangered, kills_at_logout=False)) is None


def test_a_shell_below_a_service_is_not_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOCATION_ID", "1")
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getppid()))
    assert not systemd.runs_us()
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid()))
    assert systemd.runs_us()
