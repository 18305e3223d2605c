"""Two real servers side by side: names keep them apart, and a fault in one spares the other."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.home import Home, free_port, wait_until
from tests.support.terminal import Terminal

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Home]:
    """`main` serves the lark, `night` the owl; they load at the same time."""
    home = Home(tmp_path_factory.mktemp("pair"), engine_python)
    try:
        begun = [
            home.run("start", model, "--name", name, "--no-wait", "--port", str(free_port())).code
            for model, name in (("demo-lark", "main"), ("demo-owl", "night"))
        ]
        assert begun == [0, 0]
        both = {"main": "ready", "night": "ready"}
        wait_until("both are ready", lambda: states(home) == both, 180)
        yield home
    finally:
        home.close()


def states(home: Home) -> dict[str, str]:
    return {server["name"]: server["state"] for server in home.status()["servers"]}


def server(home: Home, name: str) -> dict[str, Any]:
    found = home.status(name)["server"]
    assert isinstance(found, dict)
    return found


def test_each_answers_as_itself(pair: Home) -> None:
    assert "Lark" in pair.run("ask", "Who are you?", "--temperature", "0").out
    assert "Owl" in pair.run("ask", "Who are you?", "--temperature", "0", "--name", "night").out


def test_each_has_a_port_a_log_and_a_tree_of_its_own(pair: Home) -> None:
    main, night = server(pair, "main"), server(pair, "night")
    for key in ("port", "pid", "log_path", "url"):
        assert main[key] != night[key]
    assert "demo-owl" in pair.run("logs", "-n", "10000", "--name", "night").out
    assert "demo-owl" not in pair.run("logs", "-n", "10000").out


@pytest.mark.terminal
def test_the_console_turns_from_one_to_the_other(pair: Home) -> None:
    terminal = Terminal(pair, 80, 24)
    try:
        terminal.wait_for("demo-lark")
        terminal.wait_for("1/2")
        terminal.press("n")
        terminal.wait_for("demo-owl")
        terminal.wait_for("2/2")
    finally:
        terminal.close()


def test_a_third_on_a_port_in_use_is_refused(pair: Home) -> None:
    port = str(server(pair, "night")["port"])
    ran = pair.run("start", "demo", "--name", "third", "--port", port, "--json")
    assert ran.code == 5
    assert ran.data["error"]["kind"] == "port_in_use"


def test_a_halted_engine_is_stalled_and_the_other_is_not(pair: Home) -> None:
    pid = server(pair, "night")["pid"]
    engine = next(
        p for p in psutil.Process(pid).children(recursive=True) if "EngineCore" in p.cmdline()[0]
    )
    engine.suspend()
    try:
        wait_until("stalled", lambda: states(pair)["night"] == "stalled", 15)
        assert states(pair)["main"] == "ready"
        assert pair.run("smoke").code == 0
    finally:
        engine.resume()
    wait_until("it goes on", lambda: states(pair)["night"] == "ready", 30)
    causes = [change["cause"] for change in server(pair, "night")["transitions"]]
    assert causes[-1] == "a one-token probe was answered"


def test_a_killed_one_comes_back_and_the_other_is_untouched(pair: Home) -> None:
    before = server(pair, "main")
    tree = psutil.Process(server(pair, "night")["pid"]).children(recursive=True)
    os.kill(server(pair, "night")["pid"], signal.SIGKILL)
    wait_until("it is started again", lambda: states(pair)["night"] == "starting", 30)
    assert not [p.pid for p in tree if p.is_running() and p.status() != "zombie"]
    wait_until("it serves again", lambda: states(pair)["night"] == "ready", 120)
    assert server(pair, "night")["restarts"] == 1
    assert "Owl" in pair.run("ask", "Who are you?", "--name", "night", "--temperature", "0").out
    after = server(pair, "main")
    assert (after["pid"], after["restarts"]) == (before["pid"], 0)


@pytest.mark.long
def test_what_was_wanted_comes_back_after_a_reboot_and_what_was_stopped_does_not(
    pair: Home,
) -> None:
    assert pair.run("stop", "--name", "night").code == 0
    pair.run("supervisor", "stop")
    main_pid = _pretend_a_reboot(pair)
    assert pair.run("ask", "hello").code == 3
    wait_until("main is back", lambda: states(pair)["main"] == "ready", 180)
    assert states(pair)["night"] == "stopped"
    assert server(pair, "main")["pid"] != main_pid


def _pretend_a_reboot(home: Home) -> int:
    """End the tree as a reboot would, and give the record another boot's name."""
    path = home.state / "servers" / "main" / "record.json"
    text = path.read_text()
    pid = int(home.status()["server"]["pid"])
    for process in [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]:
        process.kill()
    wait_until("all are gone", lambda: not psutil.pid_exists(pid), 10)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert boot in text
    path.write_text(text.replace(boot, "00000000-0000-4000-8000-000000000000"))
    return pid
