"""The console in a real terminal over a real server: seen, driven by keys, killed, hung up on."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from tests.conftest import Served
from tests.support.home import Home, wait_until
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.engine, pytest.mark.terminal]

Open = Callable[..., Terminal]
SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 45)])


@pytest.fixture
def console(served: Served) -> Iterator[Open]:
    opened: list[Terminal] = []

    def open_terminal(width: int = 80, height: int = 24, home: Home = served.home) -> Terminal:
        opened.append(Terminal(home, width, height))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()


def answers(served: Served) -> bool:
    return httpx.get(f"{served.url}/health", timeout=5).status_code == 200


@SIZES
def test_one_glance_says_what_runs(console: Open, width: int, height: int) -> None:
    terminal = console(width, height)
    # All of them at once: a starved console draws its first screens panel by panel.
    terminal.wait_for(
        *("demo-lark", "Throughput", "Latency", "KV cache", "running", "preempted", "q leave")
    )
    assert all(len(line) <= width for line in terminal.screen().splitlines())


def test_a_request_is_asked_and_answered(console: Open) -> None:
    terminal = console()
    terminal.wait_for("● READY")
    terminal.press("3")
    terminal.wait_for("Prompt")
    terminal.type("Who are you?")
    terminal.press("Enter")
    # It answers by chance; whoever it says it is, its figures stand there.
    terminal.wait_for("tok/s", timeout_s=60)
    assert "TTFT" in terminal.screen()


def test_smoke_is_one_key(console: Open) -> None:
    terminal = console()
    terminal.wait_for("● READY")
    terminal.press("t")
    terminal.wait_for("smoke test passed", timeout_s=30)


def test_logs_are_shown_and_filtered(console: Open, served: Served) -> None:
    served.home.run("ask", "Hello", "--max-tokens", "2")
    terminal = console(140, 45)
    terminal.wait_for("● READY")
    terminal.press("6")
    terminal.wait_for("following")
    terminal.wait_for("POST /v1/")
    terminal.press("/")
    terminal.type("KV cache size")
    terminal.wait_for("KV cache size:")
    wait_until("others are gone", lambda: "POST /v1/" not in terminal.screen(), 30)


def test_leaving_says_that_the_server_keeps_running(console: Open, served: Served) -> None:
    terminal = console()
    terminal.wait_for("● READY")
    terminal.press("q")
    terminal.wait_for("exit code 0")
    assert "keeps running" in terminal.screen()
    assert answers(served)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_console_that_is_ended_changes_nothing(
    console: Open, served: Served, number: signal.Signals
) -> None:
    before = served.home.status()["server"]["pid"]
    terminal = console()
    terminal.wait_for("● READY")
    terminal.kill_console(number)
    terminal.wait_for("exit code")
    assert answers(served)
    assert served.home.status()["server"]["pid"] == before
    again = console()
    again.wait_for("● READY")


def test_a_lost_line_ends_the_console_and_nothing_else(console: Open, served: Served) -> None:
    terminal = console()
    terminal.wait_for("● READY")
    pid = terminal.console_pid()
    terminal.hang_up()
    wait_until("the console has left", lambda: not psutil.pid_exists(pid), 30)
    assert answers(served)


def test_two_consoles_see_the_same(console: Open) -> None:
    first, second = console(80, 24), console(140, 45)
    for terminal in (first, second):
        terminal.wait_for("● READY")


def test_a_stop_is_asked_about_and_cancel_is_the_default(console: Open, served: Served) -> None:
    terminal = console()
    terminal.wait_for("● READY")
    terminal.press("S")
    terminal.wait_for("demo-lark")
    terminal.press("Enter")
    assert answers(served)
    assert served.home.status()["server"]["state"] == "ready"


def test_a_frozen_console_stops_nothing(console: Open, served: Served) -> None:
    terminal = console()
    terminal.wait_for("● READY")
    pid = terminal.console_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        assert served.home.run("ask", "Hello", "--max-tokens", "4").code == 0
        assert served.home.status()["metrics"]["sample_age_s"] < 5
    finally:
        os.kill(pid, signal.SIGCONT)


def test_nothing_running_is_an_ordinary_state(console: Open, home: Home) -> None:
    terminal = console(80, 24, home)
    terminal.wait_for("STOPPED")
    assert "s " in terminal.screen()


def test_whoever_comes_back_is_told_what_happened(console: Open, served: Served) -> None:
    served.home.run("ask", "Hello", "--max-tokens", "2")
    seen = served.home.state / "console.seen"
    seen.touch(mode=0o600)
    os.utime(seen, (time.time() - 3 * 3600,) * 2)
    terminal = console()
    terminal.wait_for("While you were away")
    terminal.wait_for("3h 00m")
    terminal.press("e")
    terminal.wait_for("all events")
    terminal.type("/kind:state ready: ready")
    terminal.wait_for("ready: ready after")
    kinds = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d \S (\w+)")
    wait_until("no other kind", lambda: set(kinds.findall(terminal.screen())) == {"state"}, 10)
    terminal.press("Escape")
    terminal.press("Escape")
    terminal.wait_for("Throughput")
    terminal.press("q")
    terminal.wait_for("exit code 0")
    assert time.time() - seen.stat().st_mtime < 30
    again = console()
    again.wait_for("Throughput")
    assert "While you were away" not in again.screen()
