"""What the log view costs: memory by the line, and CPU and traffic while a log grows fast."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, cpu_seconds
from tests.bench.terminal import Size, Terminal
from tests.console import figures_of_the_sketches as sketches
from tests.console.supervisor_stand_in import SupervisorStandIn
from tests.support.beside import beside

SIZE = Size(140, 45)
FEW, MANY = 1_000, 1_000_000
ROUNDS = 3
LINES_PER_S, BATCHES_PER_S = 1_000, 10
SETTLE_S, WATCHED_S = 3.0, 15.0
MEMORY_GOAL_MB = 15.0
CPU_GOAL_PERCENT, TRAFFIC_GOAL_BYTES_PER_S = 2.5, 40_000.0
SHOWN = ("READY", "Log")


@dataclass(frozen=True, slots=True)
class Watched:
    cpu_percent: float
    bytes_per_s: float


def measure(ground: Ground) -> Table:
    """A supervisor of the tests stands in, since no vLLM writes a thousand lines a second."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.log", Path(folder) / "many.log"
        _write(few, 0, FEW)
        _write(many, 0, MANY)
        rounds = [
            (_resident_mb(ground, few, FEW), _resident_mb(ground, many, MANY))
            for _ in range(ROUNDS)
        ]
        watched = [_grow(ground, many, MANY) for _ in range(ROUNDS)]
        size_mb = many.stat().st_size / 1e6
    return Table(
        "logs",
        f"the log view {SIZE} over {MANY:,} lines of JSON ({size_mb:.0f} MB), then growing by "
        f"{LINES_PER_S:,} lines/s, watched for {WATCHED_S:.0f} s",
        (
            Figure(
                f"memory for {MANY:,} lines", "MB", tuple(b - a for a, b in rounds), MEMORY_GOAL_MB
            ),
            Figure(
                "CPU while it grows", "%", tuple(w.cpu_percent for w in watched), CPU_GOAL_PERCENT
            ),
            Figure(
                "to the terminal while it grows",
                "B/s",
                tuple(w.bytes_per_s for w in watched),
                TRAFFIC_GOAL_BYTES_PER_S,
            ),
        ),
    )


@contextmanager
def _shown(ground: Ground, log: Path, lines: int) -> Iterator[Terminal]:
    """The log view at the end of the whole file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sock"
        peer = SupervisorStandIn(path, sketches.ready(log))
        try:
            with Terminal(ground.command("--socket", str(path)), ground.environment, SIZE) as shown:
                shown.until_shown(SHOWN)
                shown.press(b"6")
                shown.until_shown((f"of {lines:,}", "following"), timeout_s=60)
                yield shown
        finally:
            peer.end()


def _resident_mb(ground: Ground, log: Path, lines: int) -> float:
    with _shown(ground, log, lines) as shown:
        time.sleep(1)
        return psutil.Process(shown.pid).memory_info().rss / 1e6


def _grow(ground: Ground, log: Path, lines: int) -> Watched:
    with log.open("rb") as file:
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    with _shown(ground, log, lines) as shown, _growing(log, lines):
        time.sleep(SETTLE_S)
        begun_s = time.perf_counter()
        used_s, written = cpu_seconds(shown.pid), shown.bytes_written()
        time.sleep(WATCHED_S)
        seconds = time.perf_counter() - begun_s
        return Watched(
            100 * (cpu_seconds(shown.pid) - used_s) / seconds,
            (shown.bytes_written() - written) / seconds,
        )


@contextmanager
def _growing(log: Path, lines: int) -> Iterator[None]:
    def append(over: threading.Event) -> None:
        number, begun_s = lines, time.monotonic()
        for turn in range(1, 1 << 30):
            _write(log, number, LINES_PER_S // BATCHES_PER_S)
            number += LINES_PER_S // BATCHES_PER_S
            if over.wait(max(0.0, begun_s + turn / BATCHES_PER_S - time.monotonic())):
                return

    with beside(append):
        yield


def _write(log: Path, first: int, count: int) -> None:
    with log.open("a") as file:
        file.writelines(_line(number) for number in range(first, first + count))


def _line(number: int) -> str:
    """As vLLM writes them with --logging-config.formatter json, each one different."""
    record = {
        "asctime": f"2026-11-24 {number // 3600 % 24:02d}:{number // 60 % 60:02d}:"
        f"{number % 60:02d},{number % 1000:03d}",
        "levelname": "WARNING" if number % 50 == 0 else "INFO",
        "name": "vllm.v1.metrics.loggers",
        "message": f"Engine 000: Avg generation throughput: {number * 7 % 5000}.{number % 10}"
        f" tokens/s, Running: {number % 97} reqs, Waiting: {number % 13} reqs",
        "vllm_process_name": "APIServer",
    }
    return json.dumps(record) + "\n"
