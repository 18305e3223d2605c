"""The console in a real tmux: detached and attached again, and resized without end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage
from tests.support.home import Home, wait_until
from tests.support.terminal import Terminal

pytestmark = pytest.mark.terminal
RESIZES = 60


@pytest.fixture
def terminal(stage: Stage, tmp_path: Path) -> Iterator[Terminal]:
    """80 x 24, over a stand-in for the supervisor."""
    stage.supervise(sketches.ready(Path("good.log")))
    terminal = Terminal(Home(tmp_path, ""), 80, 24, "--socket", str(Path("s.sock").absolute()))
    terminal.wait_for("q leave")
    yield terminal
    terminal.close()


def fills(terminal: Terminal, width: int, height: int) -> bool:
    """Whether the whole screen is drawn for that size."""
    rows = terminal.screen().rstrip("\n").split("\n")
    return (
        len(rows) == height
        and "q leave" in rows[-1]
        and "READY" in rows[0]
        and any(row.startswith("╭") and len(row) == width and row[-1] == "╮" for row in rows)
    )


def test_detached_and_attached_again_elsewhere_it_goes_on(terminal: Terminal) -> None:
    pid = terminal.console_pid()
    first = terminal.attach(120, 40)
    wait_until("drawn for the first", lambda: fills(terminal, 120, 39))
    terminal.detach()
    assert first.wait() == 0
    second = terminal.attach(90, 30)
    wait_until("drawn for the second", lambda: fills(terminal, 90, 29))
    # A rebuilt terminal may report its mouse in the old form, whose bytes are no UTF-8.
    second.send(b"\x1b[M\x20\xf8\x2a\x1b[M\x23\xf8\x2a")
    second.send(b"6")
    terminal.wait_for("all levels")
    second.send(b"1")
    wait_until("the overview again", lambda: fills(terminal, 90, 29))
    assert terminal.console_pid() == pid
    terminal.detach()
    assert second.wait() == 0


def test_it_survives_a_storm_of_resizes(terminal: Terminal) -> None:
    pid, dice = terminal.console_pid(), random.Random(4)
    for number in range(RESIZES):
        terminal.resize(dice.randint(10, 220), dice.randint(3, 60))
        if number % 10 == 0:
            terminal.press("m")
    terminal.resize(40, 10)
    terminal.wait_for("60")
    terminal.press("Escape")
    for width, height in ((80, 24), (140, 45)):
        terminal.resize(width, height)
        wait_until("drawn for its size", lambda w=width, h=height: fills(terminal, w, h))
    assert terminal.console_pid() == pid


def test_keys_in_one_go_act_one_after_the_other(terminal: Terminal) -> None:
    terminal.type("6/KV cache")
    terminal.wait_for("/ KV cache")


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.3])
def test_a_line_that_is_lost_while_it_draws_ends_it(terminal: Terminal, after_s: float) -> None:
    pid = terminal.console_pid()
    for width in range(60, 120):
        terminal.resize(width, 24 + width % 7)
    time.sleep(after_s)
    terminal.hang_up()
    wait_until("it has left", lambda: not psutil.pid_exists(pid), 15)
