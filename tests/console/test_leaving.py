"""The console as a process on a real pseudo-terminal: how it ends, and what it leaves behind."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage
from vconsole.engine.metrics.figures import Metrics
from vconsole.errors import ExitCode, VConsoleError
from vconsole.tui.opening import run

PROGRAM = """
import sys
from pathlib import Path
from vconsole.tui.opening import run
sys.exit(run(Path(sys.argv[1])))
"""
RESTORED = b"\x1b[?1049l"


class Terminal:
    """A console under a pseudo-terminal of 80 x 24."""

    def __init__(self, socket_path: Path, **more: str) -> None:
        self.said = b""
        self._fd, console_side = pty.openpty()
        home = str(socket_path.parent)
        inherited = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR")}
        size = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(socket_path)],
            stdin=console_side,
            stdout=console_side,
            stderr=console_side,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
            env={**inherited, **size, "XDG_CONFIG_HOME": home, **more},
        )
        os.close(console_side)

    def read(self, timeout_s: float) -> bool:
        """Take in some output; False at its end."""
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return True
        try:
            chunk = os.read(self._fd, 65536)
        except OSError:
            return False
        self.said += chunk
        return bool(chunk)

    def wait_for(self, words: bytes) -> None:
        end = time.monotonic() + 20
        while words not in self.said:
            assert time.monotonic() < end, self.said[-2000:]
            assert self.read(0.1), self.said[-2000:]

    def press(self, key: bytes) -> None:
        os.write(self._fd, key)

    def end(self) -> int:
        """Its exit code."""
        end = time.monotonic() + 20
        while self.read(0.1):
            assert time.monotonic() < end
        os.close(self._fd)
        return self._process.wait(20)

    def go_away(self) -> None:
        """Be closed without a hang-up: there is no session whose terminal it was."""
        os.close(self._fd)

    def wait(self) -> int:
        return self._process.wait(20)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


@pytest.fixture
def terminal(stage: Stage) -> Terminal:
    stage.supervise(sketches.ready(Path("good.log")))
    terminal = Terminal(Path("s.sock").absolute())
    terminal.wait_for(b"Throughput")
    return terminal


def test_q_leaves_and_says_that_the_server_stays(terminal: Terminal) -> None:
    terminal.press(b"q")
    assert terminal.end() == 0
    assert RESTORED in terminal.said
    assert b"The server keeps running" in terminal.said.split(RESTORED)[-1]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_restores_the_terminal(terminal: Terminal, number: signal.Signals) -> None:
    terminal.signal(number)
    assert terminal.end() == 128 + number
    assert RESTORED in terminal.said
    assert b"Traceback" not in terminal.said


def test_ctrl_c_does_not_end_it(terminal: Terminal) -> None:
    terminal.press(b"\x03")
    terminal.wait_for(b"ends nothing")
    terminal.press(b"q")
    assert terminal.end() == 0


def test_a_dumb_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(VConsoleError) as raised:
        run(Path("s.sock"))
    assert raised.value.exit_code is ExitCode.USAGE
    assert "vconsole status" in (raised.value.remedy or "")


def test_no_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(VConsoleError):
        run(Path("s.sock"))


def test_a_legacy_mouse_report_does_not_end_it(terminal: Terminal) -> None:
    terminal.press(b"\x1b[M\x20\x8e\x2a")
    terminal.press(b"\xff\xfe")
    terminal.press(b"6")
    terminal.wait_for(b"all levels")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.said


@pytest.mark.parametrize(
    ("variables", "unseen"),
    [
        ({"TERM": "linux"}, rb"\x1b\[[0-9;]*[34]8;[25];"),
        ({"TERM": "screen"}, rb"\x1b\[[0-9;]*[34]8;[25];"),
        ({"TERM": "tmux-256color"}, rb"\x1b\[[0-9;]*[34]8;2;"),
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, rb"38;2;(\d+);(?!\1;\1)"),
    ],
    ids=lambda value: value.get("TERM", "NO_COLOR") if isinstance(value, dict) else "",
)
def test_each_terminal_gets_the_colours_it_has(
    stage: Stage, variables: dict[str, str], unseen: bytes
) -> None:
    stage.supervise(sketches.ready(Path("good.log")))
    terminal = Terminal(Path("s.sock").absolute(), **variables)
    terminal.wait_for(b"Throughput")
    changed = replace(sketches.ready(Path("good.log")), metrics=Metrics(requests_running=17))
    stage.peer.publish(changed)
    terminal.wait_for(b"17")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert re.search(unseen, terminal.said) is None


@pytest.mark.parametrize(("kind", "draws"), [("linux", b"+- GPU 0"), ("xterm", "╭─ ".encode())])
def test_linux_s_own_console_is_drawn_in_ascii(stage: Stage, kind: str, draws: bytes) -> None:
    stage.supervise(sketches.ready(Path("good.log")))
    terminal = Terminal(Path("s.sock").absolute(), TERM=kind, NO_COLOR="1")
    terminal.wait_for(b"Throughput")
    terminal.press(b"q")
    assert terminal.end() == 0
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", terminal.said)
    assert draws in plain
    assert ("╭".encode() in plain) == (kind != "linux")


def test_a_console_that_draws_to_nobody_can_be_ended(terminal: Terminal, stage: Stage) -> None:
    terminal.go_away()
    ready = sketches.ready(Path("good.log"))
    for running in range(60):
        stage.peer.publish(replace(ready, metrics=Metrics(requests_running=running)))
        time.sleep(0.03)
    terminal.signal(signal.SIGTERM)
    assert terminal.wait() == 128 + signal.SIGTERM
