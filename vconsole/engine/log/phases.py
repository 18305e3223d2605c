"""The steps of a vLLM start, recognised in its log as it is written.

Patterns are those of vLLM 0.32's own messages (the file that prints each is named beside it);
messages arrive without their prefix, as `logline.parse` leaves them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from vconsole.engine.log.start_figures import StartFigures

PHASES = ("config", "init", "download", "weights", "compile", "memory", "graphs", "ready")

# Each pattern opens the phase named beside it.
OPENERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("init", re.compile(r"Initializing a V1 LLM engine")),  # v1/engine/core.py
    ("weights", re.compile(r"(?:Starting to load model |Loading model from scratch)")),
    ("memory", re.compile(r"Model loading took [\d.]+ GiB")),  # v1/worker/gpu/model_runner.py
    ("memory", re.compile(r"Loading weights took [\d.]+ seconds")),  # default_loader.py
    ("compile", re.compile(r"(?:\[[^\]]+\] )?Starting torch\.compile")),
    ("compile", re.compile(r"Dynamo bytecode transform time")),  # compilation/backends.py
    ("compile", re.compile(r"Warming up model for the compilation")),  # cpu_model_runner.py
    ("memory", re.compile(r"torch\.compile took [\d.]+ s in total")),  # compilation/monitor.py
    ("memory", re.compile(r"Available KV cache memory: ")),  # v1/worker/gpu_worker.py
    ("graphs", re.compile(r"Capturing CUDA graphs")),  # v1/worker/gpu/cudagraph_utils.py
    ("ready", re.compile(r"init engine \(profile, create kv cache, warmup model\) took")),
    ("ready", re.compile(r"Starting vLLM (?:API )?server ")),  # launchers/api_server/entry.py
)
DOWNLOADED = re.compile(r"Time spent downloading weights for .+: ([\d.]+) seconds")
# The same in a line as it stands in the file, JSON or text.
OPENED = re.compile(
    rb'(?:"message": ?"|\] )(?:'
    + b"|".join(
        f"(?P<p{number}>{pattern.pattern})".encode() for number, (_, pattern) in enumerate(OPENERS)
    )
    + rb")"
)
PROGRESS = re.compile(r"(?:shards: +|Capturing CUDA graphs.*?: +)(\d+)% ?(?:Completed|\|)")


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase that occurred, with the seconds spent in it so far."""

    name: str
    seconds: float


class PhaseTracker:
    """Turns log messages into phases with durations; times are seconds since the spawn.

    A phase that occurs twice (graphs are captured once as a sample) keeps its place and adds up.
    """

    def __init__(self) -> None:
        self._closed: list[PhaseSpan] = []
        self._current = PHASES[0]
        self._opened_s = 0.0
        self.progress: float | None = None
        self.figures = StartFigures()

    @property
    def current(self) -> str:
        return self._current

    def feed(self, message: str, at_s: float) -> None:
        """Take one message in; `at_s` is when it was seen."""
        if downloaded := DOWNLOADED.match(message):
            self._insert_download(float(downloaded[1]), at_s)
        elif progressed := PROGRESS.search(message):
            self.progress = int(progressed[1]) / 100
        self.figures.feed(message)
        for name, pattern in OPENERS:
            if pattern.match(message):
                self.enter(name, at_s)
                return

    def enter(self, name: str, at_s: float) -> None:
        if name == self._current:
            return
        self._close(at_s)
        self._current, self._opened_s, self.progress = name, at_s, None

    def finish(self, at_s: float) -> tuple[PhaseSpan, ...]:
        """Close the last phase and return all that occurred, in their order."""
        self._close(at_s)
        self._opened_s = at_s
        return tuple(self._closed)

    def closed(self) -> tuple[PhaseSpan, ...]:
        return tuple(self._closed)

    def seconds_in_current(self, at_s: float) -> float:
        return max(0.0, at_s - self._opened_s)

    def _close(self, at_s: float) -> None:
        self._add(self._current, max(0.0, at_s - self._opened_s))

    def _add(self, name: str, seconds: float) -> None:
        for position, span in enumerate(self._closed):
            if span.name == name:
                self._closed[position] = replace(span, seconds=span.seconds + seconds)
                return
        self._closed.append(PhaseSpan(name, seconds))

    def _insert_download(self, seconds: float, at_s: float) -> None:
        """vLLM tells of a download only after it: its time is taken out of the running phase."""
        opened_s = self._opened_s
        self._add("download", min(seconds, max(0.0, at_s - opened_s)))
        self._opened_s = min(at_s, opened_s + seconds)


def phase_opened(line: bytes) -> str | None:
    """The phase that a line of the log opens, or goes on with."""
    found = OPENED.search(line)
    return OPENERS[int((found.lastgroup or "p0")[1:])][0] if found else None


def remaining_s(current: str, in_current_s: float, learned: dict[str, float]) -> float | None:
    """Seconds until ready by what each phase took before; None where nothing was learned."""
    if not learned:
        return None
    later = PHASES[PHASES.index(current) + 1 :]
    here = max(0.0, learned.get(current, 0.0) - in_current_s)
    return here + sum(learned.get(name, 0.0) for name in later)
