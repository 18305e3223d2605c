"""What the console costs: its first paint, its memory, and its traffic when idle and when live."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil

from tests.bench import minimal_textual
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, cpu_seconds, interleaved
from tests.bench.terminal import Size, Terminal
from tests.console import figures_of_the_sketches as sketches
from tests.console.supervisor_stand_in import SupervisorStandIn
from tests.support.beside import beside
from vconsole.supervisor.model import Sample, Status

SMALL, LARGE = Size(80, 24), Size(140, 45)
ROUNDS = 7
SETTLE_S = 4.0
WATCHED_S = 15.0
PAINT_GOAL_MS, MEMORY_GOAL_MB = 250.0, 50.0
IDLE_GOAL_BYTES_PER_S, IDLE_GOAL_CPU_PERCENT = 0.0, 0.2
LIVE_GOAL_BYTES_PER_S, LIVE_GOAL_CPU_PERCENT = 3000.0, 0.8
# The key bar is painted last; with a server it names what a leave keeps.
FRAME = ("q leave",)
FULL = ("READY", "Throughput", "TTFT", "KV cache", "(the server keeps running)")


@dataclass(frozen=True, slots=True)
class Paint:
    frame_ms: float
    full_ms: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Traffic:
    bytes_per_s: float
    cpu_percent: float


def measure(ground: Ground) -> Table:
    """First paints side by side with a minimal Textual application, then traffic and CPU."""
    ground.serve()
    return Table(
        "console",
        "in a pty, xterm-256color; a frame is the first whole screen, full is with live figures; "
        f"traffic over {WATCHED_S:.0f} s after {SETTLE_S:.0f} s",
        (*_paints(ground), *_traffic(ground)),
    )


def _paints(ground: Ground) -> list[Figure]:
    shown = (minimal_textual.SHOWN,)
    minimal = ground.python("-m", "tests.bench.minimal_textual")
    subjects = {
        f"minimal Textual app {LARGE}": partial(
            _paint, minimal, ground.environment, LARGE, shown, shown
        )
    }
    for size in (SMALL, LARGE):
        subjects[f"console {size}"] = partial(
            _paint, ground.command(), ground.environment, size, FRAME, FULL
        )
    figures = []
    anchor = next(iter(subjects))
    for name, paints in interleaved(subjects, ROUNDS).items():
        full, resident = [p.full_ms for p in paints], [p.resident_mb for p in paints]
        if name == anchor:
            figures += [
                Figure(f"{name}, paint", "ms", tuple(full)),
                Figure(f"{name}, memory", "MB", tuple(resident)),
            ]
            continue
        frame = tuple(p.frame_ms for p in paints)
        beside = {"paint": f"{anchor}, paint", "memory": f"{anchor}, memory"}
        figures += [
            Figure(f"{name}, first frame", "ms", frame, None, beside["paint"]),
            Figure(f"{name}, full paint", "ms", tuple(full), PAINT_GOAL_MS, beside["paint"]),
            Figure(f"{name}, memory", "MB", tuple(resident), MEMORY_GOAL_MB, beside["memory"]),
        ]
    return figures


def _paint(
    command: Sequence[str],
    environment: Mapping[str, str],
    size: Size,
    frame: Sequence[str],
    full: Sequence[str],
) -> Paint:
    with Terminal(command, environment, size) as terminal:
        frame_ms, full_ms = terminal.until_shown(frame), terminal.until_shown(full)
        resident_mb = psutil.Process(terminal.pid).memory_info().rss / 1e6
    return Paint(frame_ms, full_ms, resident_mb)


def _traffic(ground: Ground) -> list[Figure]:
    unchanging = _unchanging(ground, LARGE)
    idle = _watch(ground.command(), ground.environment, LARGE, FULL)
    with ground.load():
        live = _watch(ground.command(), ground.environment, LARGE, FULL)
        live_small = _watch(ground.command(), ground.environment, SMALL, FULL)
    idle_goals = (IDLE_GOAL_BYTES_PER_S, IDLE_GOAL_CPU_PERCENT)
    live_goals = (LIVE_GOAL_BYTES_PER_S, LIVE_GOAL_CPU_PERCENT)
    return [
        *_both(f"nothing changing {LARGE} (the same snapshot each second)", unchanging, idle_goals),
        *_both(f"idle server {LARGE}, host figures move", idle, (None, None)),
        *_both(f"live at 1 Hz {LARGE}", live, live_goals),
        *_both(f"live at 1 Hz {SMALL}", live_small, (None, None)),
    ]


def _both(
    name: str, traffic: Traffic, goals: tuple[float | None, float | None]
) -> tuple[Figure, Figure]:
    return (
        Figure(f"{name}, to the terminal", "B/s", (traffic.bytes_per_s,), goals[0]),
        Figure(f"{name}, CPU", "%", (traffic.cpu_percent,), goals[1]),
    )


def _unchanging(ground: Ground, size: Size) -> Traffic:
    """The same snapshot each second needs a supervisor that reads no machine: a stand-in."""
    with tempfile.TemporaryDirectory() as folder:
        log, path = Path(folder) / "server.log", Path(folder) / "s.sock"
        log.write_text("INFO a line\n")
        _until_the_minute_has(SETTLE_S + WATCHED_S + 2)
        with _repeating(path, sketches.ready(log)):
            command = ground.command("--socket", str(path))
            return _watch(command, ground.environment, size, FULL)


def _until_the_minute_has(seconds: float) -> None:
    """The console's clock shows minutes: a turn of one would be a change."""
    left_s = 60 - time.time() % 60
    if left_s < seconds:
        time.sleep(left_s)


@contextmanager
def _repeating(path: Path, status: Status) -> Iterator[None]:
    peer = SupervisorStandIn(path, status, _steady_history(status))

    def repeat(over: threading.Event) -> None:
        while not over.wait(1.0):
            peer.publish(replace(status))

    try:
        with beside(repeat):
            yield
    finally:
        peer.end()


def _steady_history(status: Status) -> Iterator[Sample]:
    """An hour that was as the snapshot is, so that no graph moves."""
    metrics = status.metrics
    assert metrics is not None
    for seconds in range(3600, 0, -1):
        yield Sample(
            at=datetime.now(UTC) - timedelta(seconds=seconds),
            requests_running=metrics.requests_running,
            requests_waiting=metrics.requests_waiting,
            kv_cache_usage=metrics.kv_cache_usage,
            generation_tokens_per_s=metrics.generation_tokens_per_s,
            prompt_tokens_per_s=metrics.prompt_tokens_per_s,
            requests_per_s=metrics.requests_per_s,
        )


def _watch(
    command: Sequence[str], environment: Mapping[str, str], size: Size, words: Sequence[str]
) -> Traffic:
    with Terminal(command, environment, size) as terminal:
        terminal.until_shown(words)
        time.sleep(SETTLE_S)
        begun_s = time.perf_counter()
        used_s, written = cpu_seconds(terminal.pid), terminal.bytes_written()
        time.sleep(WATCHED_S)
        seconds = time.perf_counter() - begun_s
        return Traffic(
            (terminal.bytes_written() - written) / seconds,
            100 * (cpu_seconds(terminal.pid) - used_s) / seconds,
        )
