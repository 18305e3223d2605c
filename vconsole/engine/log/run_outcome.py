"""How one run in a log went: where it became ready, failed, or was asked to stop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.engine.log.failure_rules import rule_book
from vconsole.engine.log.line_index import Run
from vconsole.engine.log.log_reading import LogLine

# The version, alone or beside the logo, and the arguments right after it.
_START = re.compile(
    r"vLLM (?:API )?server version|█  +version \d|non-default args: |args: Namespace\("
)
_HEAD_LINES = 3
_READY = ("application startup complete", "avg generation throughput", "avg prompt throughput")
_LOADED = (
    "model loading took", "loading weights took", "loading model weights took",
    "model weights take", "memory profiling takes", "memory profiling results", "kv cache size:",
    "# gpu blocks", "graph capturing", "capturing cuda graph", "capturing the model",
    "torch.compile took",
)  # fmt: skip
_LATE = (
    "init engine (", "starting vllm api server", "starting vllm server", "started server process",
    "available routes are", "supported tasks: ", "supported_tasks: ", "graph capturing finished",
)  # fmt: skip
# Only the API server's own words: it passes a SIGTERM on to its engine after any failure.
_STOP = (
    "server: shutdown triggered", "keyboardinterrupt", "sigterm received", "sigint received",
    "received sigterm", "received sigint", "received signal 15", "received signal 2",
    "gracefully stop", "gracefully shut",
)  # fmt: skip
_FAILED = (
    "initialization failed", "enginecore failed to start", "workerproc failed to start",
    "enginedeaderror", "enginecore encountered", "died unexpectedly", "died with exit code",
    "hit an exception", "engine loop has died", "engine loop is not running", "engine loop is dead",
    "background loop has errored", "engine process failed", "application startup failed",
    "exited unexpectedly", "failed core proc", "terminating server process", "error in engine core",
    "vllm: error:", "vllm serve: error:", "api_server.py: error:", "aborted (core", "core dumped",
    "segmentation fault", "fatal python error", "\nkilled\n", "terminate called",
    "got fatal signal from worker",
)  # fmt: skip
_ARGUMENT = re.compile(r"\b(model|port)'?[=:] ?'?([^',)}]+)")
_TRACEBACK_LINES = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """Indices into the run's lines; None where it did not happen.

    What was printed before `survived_until` ended nothing: the start went on after it.
    """

    ready_at: int | None
    failed_at: int | None
    stopped_at: int | None
    loaded_at: int | None
    survived_until: int
    asked: bool

    @property
    def stop_requested(self) -> bool:
        """Somebody asked for the end before anything failed."""
        if self.asked:
            return True
        if self.stopped_at is None:
            return False
        return self.failed_at is None or self.stopped_at < self.failed_at

    @property
    def died_serving(self) -> bool:
        return self.failed_at is not None and not self.stop_requested

    @property
    def is_conclusive(self) -> bool:
        return any(at is not None for at in (self.ready_at, self.failed_at, self.stopped_at))

    def is_after_stop(self, index: int) -> bool:
        return self.stop_requested and self.stopped_at is not None and index > self.stopped_at


def split_runs(lines: list[LogLine]) -> list[list[LogLine]]:
    """The runs of one log, oldest first; each begins where vLLM says its version."""
    cuts, last_head = [0], 0
    for index, line in enumerate(lines):
        if ("version " in line.text or "args: " in line.text) and _START.search(line.text):
            if index - last_head > _HEAD_LINES:
                cuts.append(index)
            last_head = index
    return [lines[start:end] for start, end in zip(cuts, [*cuts[1:], len(lines)], strict=True)]


def outcome_of(run: Run, stop_requested: bool) -> Outcome:
    """Where the run's turning points are; failures before its readiness were survived."""
    ready = run.whole.first(_READY)
    failed = _failure(run, ready or 0)
    return Outcome(
        ready_at=ready,
        failed_at=failed,
        stopped_at=run.whole.first(_STOP),
        loaded_at=run.whole.first(_LOADED),
        survived_until=_survived(run, ready, failed),
        asked=stop_requested,
    )


def _survived(run: Run, ready: int | None, failed: int | None) -> int:
    """The readiness; in a log that was cut before it and shows no death, the last late phase."""
    if ready is not None:
        return ready
    late = run.whole.last(_LATE) if failed is None else None
    return late or 0


def arguments_of(run: Run) -> dict[str, str]:
    """The `model` and `port` that vLLM printed among its arguments, where it did."""
    for place in run.whole.places("args: "):
        line = run.lines[place]
        if "model" in line.text:
            return {name: value for name, value in _ARGUMENT.findall(line.text) if value}
    return {}


def _failure(run: Run, start: int) -> int | None:
    """A sign of death among serious lines, or the engine's exit, logged as a warning."""
    signs = (run.serious.first(_FAILED, start), run.whole.first(("exited unexpectedly",), start))
    return min((at for at in signs if at is not None), default=None)


def phase_at(run: Run, index: int, outcome: Outcome) -> str:
    """`weights`, `warmup` or `serving`: by the frames above the line, else by what came before."""
    frames = _frames_above(run.lines, index)
    for phase, pattern in rule_book().phases.items():
        if any(pattern.search(frame) for frame in frames):
            return phase
    if outcome.ready_at is not None and index > outcome.ready_at:
        return "serving"
    return "warmup" if outcome.loaded_at is not None and index > outcome.loaded_at else "weights"


def _frames_above(run: Sequence[LogLine], index: int) -> list[str]:
    """The frames of the traceback that ends at `index`."""
    frames = []
    for line in reversed(run[max(0, index - _TRACEBACK_LINES) : index]):
        if line.text.lstrip().startswith('File "'):
            frames.append(line.text)
        elif line.text.startswith("Traceback"):
            break
    return frames
