"""A real vLLM that its user started from a shell: seen, left alone, adopted, and ended alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.engine.promises import SERVER as PROMISED
from tests.support.home import SCRIPT, Home, free_port, wait_until
from vconsole import paths

pytestmark = pytest.mark.engine

MODEL = paths.resources_dir() / "demo_models" / "demo-lark"
SHOWN_WITHIN_S = 12.0
READY_WITHIN_S = 300.0
# What a user types: a job of theirs, and the server beside it.
SHELL = 'sleep 900 & echo $!; "$@" > server-of-the-user.log 2>&1 & echo $!; wait'


class Shell:
    """A user's shell session with a `sleep` and a vLLM in it."""

    def __init__(self, home: Home, engine_python: str, port: int) -> None:
        self.port = port
        folder = home.root / "of-the-user"
        folder.mkdir()
        self.log = folder / "server-of-the-user.log"
        engine = Path(engine_python).parent
        command = [str(engine / "python"), str(engine / "vllm"), "serve", str(MODEL)]
        command += ["--served-model-name", "lark", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--max-model-len", "1024", "--enforce-eager"]
        self.process = subprocess.Popen(
            ["bash", "-c", SHELL, "bash", *command],
            env={**home.env, "XDG_STATE_HOME": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.sibling, self.server = (
            psutil.Process(int(self.process.stdout.readline())) for _ in range(2)
        )

    @property
    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        for member in self.members():
            member.kill()
        self.process.communicate(timeout=20)

    def members(self) -> list[psutil.Process]:
        """Every process of the session, found by the session alone."""
        return [p for p in psutil.process_iter() if _session(p.pid) == self.process.pid]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("user"), engine_python)
    yield home
    home.close()


@pytest.fixture(scope="module")
def shell(user: Home, engine_python: str) -> Iterator[Shell]:
    made = Shell(user, engine_python, free_port())
    try:
        wait_until("the user's server answers", lambda: made.answers, READY_WITHIN_S)
        yield made
    finally:
        made.close()


def shown(home: Home, pid: int) -> dict[str, object] | None:
    return next((one for one in home.status()["foreign"] if one["pid"] == pid), None)


def test_it_is_shown_with_all_that_is_known_of_it(user: Home, shell: Shell) -> None:
    assert user.run("start", "/no/such/model").code == 1
    pid = shell.server.pid
    wait_until("it is shown", lambda: shown(user, pid), SHOWN_WITHIN_S)
    found = shown(user, pid)
    assert found is not None
    assert (found["port"], found["model"], found["user"]) == (shell.port, "lark", "root")
    assert str(found["version"]).startswith("0.")
    assert isinstance(found["memory_bytes"], int)
    assert found["memory_bytes"] > 100 << 20
    page = user.run("status").out
    assert f"pid {pid}" in page
    assert "lark" in page


def test_no_verb_touches_it(user: Home, shell: Shell) -> None:
    before = {p.pid for p in shell.members()}
    assert user.run("stop").code == 3
    assert user.run("restart").code == 3
    assert user.run("supervisor", "stop", "--servers", "stop").code == 0
    assert user.run("start", "demo", "--port", str(shell.port)).code == 5
    assert {p.pid for p in shell.members() if alive(p)} == before
    assert shell.answers


def test_adoption_asks_first_and_refuses_what_it_must(user: Home, shell: Shell) -> None:
    pid = str(shell.server.pid)
    unasked = user.run("adopt", pid)
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert str(MODEL) in unasked.err
    assert answered(user, b"n\n", "adopt", pid) == 130
    children = shell.server.children(recursive=True)
    engine = next(p for p in children if "EngineCore" in " ".join(p.cmdline()))
    part = user.run("adopt", str(engine.pid), "--yes", "--json")
    assert (part.code, part.data["error"]["kind"]) == (5, "not_the_api_server")
    assert f"vconsole adopt {pid}" in part.data["error"]["remedy"]
    other = user.run("adopt", str(shell.sibling.pid), "--yes", "--json")
    assert (other.code, other.data["error"]["kind"]) == (5, "not_vllm")
    assert user.run("adopt", str(2**22 + 1), "--yes").code == 3
    readonly = user.run("--readonly", "adopt", pid, "--yes")
    assert readonly.code == 5
    assert user.status()["server"]["state"] != "ready"


def test_adopted_it_is_a_server_like_any_other(user: Home, shell: Shell) -> None:
    pid = shell.server.pid
    ran = user.run("adopt", str(pid), "--yes", "--json")
    assert ran.code == 0, ran.err
    server = ran.data
    assert set(PROMISED.split()) <= set(server)
    assert (server["state"], server["pid"], server["adopted"]) == ("ready", pid, True)
    assert (server["served_name"], server["port"]) == ("lark", shell.port)
    assert server["log_path"] is None
    assert server["uptime_s"] > 5
    assert user.run("ask", "Who are you?", "--max-tokens", "8").code == 0
    assert user.run("smoke").code == 0
    wait_until("it has metrics", lambda: user.status()["metrics"], 10)
    assert shown(user, pid) is None
    logs = user.run("logs")
    assert logs.code == 3
    assert str(shell.log) in logs.err


def test_a_name_in_use_and_one_of_ours_are_refused(user: Home, shell: Shell) -> None:
    pid = str(shell.server.pid)
    ours = user.run("adopt", pid, "--name", "other", "--yes", "--json")
    assert (ours.code, ours.data["error"]["kind"]) == (5, "already_ours")
    assert user.run("start", "demo").code == 5


def test_the_next_supervisor_adopts_it_again(user: Home, shell: Shell) -> None:
    before = user.status()
    os.kill(before["supervisor"]["pid"], signal.SIGKILL)
    wait_until("it is gone", lambda: not user.status()["supervisor"]["alive"])
    assert user.run("ask", "Who are you?", "--max-tokens", "8").code == 0
    after = user.status()
    assert after["server"]["pid"] == shell.server.pid
    assert after["server"]["started_at"] == before["server"]["started_at"]
    assert after["server"]["adopted"] is True


def test_its_stop_ends_its_tree_and_nothing_else_of_the_session(user: Home, shell: Shell) -> None:
    tree = [shell.server, *shell.server.children(recursive=True)]
    assert len(tree) >= 3
    ran = user.run("stop", "--json")
    assert ran.code == 0, ran.err
    assert (ran.data["state"], ran.data["survivors"]) == ("stopped", [])
    assert not [p.pid for p in tree if alive(p)]
    assert alive(shell.sibling)
    assert not shell.answers


def test_it_starts_again_by_its_own_command_line(user: Home, shell: Shell) -> None:
    amended = user.run("start", "--port", str(free_port()))
    assert amended.code == 2
    ran = user.run("start", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["url"] == f"http://127.0.0.1:{shell.port}"
    process = psutil.Process(ran.data["pid"])
    assert process.cmdline()[-2:] == ["1024", "--enforce-eager"]
    assert process.cwd() == str(shell.log.parent)
    assert "Application startup complete" in user.run("logs", "-n", "10000").out
    assert user.status()["server"]["log_path"]


def test_an_engine_without_its_api_server_is_a_stray_and_is_not_signalled(
    user: Home, tmp_path: Path, engine_python: str
) -> None:
    pid = user.status()["server"]["pid"]
    engine = next(
        p for p in psutil.Process(pid).children() if "EngineCore" in " ".join(p.cmdline())
    )
    assert user.run("supervisor", "stop").code == 0
    os.kill(pid, signal.SIGKILL)
    other = Home(tmp_path, engine_python)
    try:
        assert other.run("start", "/no/such/model").code == 1
        wait_until("it is named", lambda: _strays(other, engine.pid), SHOWN_WITHIN_S)
        (stray,) = _strays(other, engine.pid)
        assert stray["memory_bytes"] > 100 << 20
        assert f"kill {engine.pid}" in other.run("status").out
        refused = other.run("adopt", str(engine.pid), "--yes", "--json")
        assert (refused.code, refused.data["error"]["kind"]) == (5, "stray")
        assert other.run("supervisor", "stop", "--servers", "stop").code == 0
        time.sleep(0.5)
        assert alive(engine)
    finally:
        other.close()


def test_its_own_supervisor_ends_that_engine_and_starts_it_again(user: Home) -> None:
    run = user.status()["server"]["pid"]
    assert user.run("ask", "hello").code == 3
    left = [p.pid for p in user.processes() if _session(p.pid) == run and alive(p)]
    assert not left
    assert user.status()["server"]["state"] in {"backoff", "starting"}
    assert user.run("stop").code == 0


def answered(home: Home, answer: bytes, *arguments: str) -> int:
    """The exit code of a command whose question is answered at a terminal."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, answer)
        asked = subprocess.run(
            [str(SCRIPT), *arguments],
            env=home.env,
            stdin=theirs,
            capture_output=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"Adopt it as main?" in asked.stderr
    return asked.returncode


def _strays(home: Home, pid: int) -> list[dict[str, int]]:
    return [one for one in home.status()["strays"] if one["pid"] == pid]
