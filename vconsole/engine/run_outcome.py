"""How one run in a log went: where it became ready, failed, or was asked to stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vconsole.engine.failure_rules import rule_book
from vconsole.engine.log_reading import LogLine

_START = ("vLLM server version", "vLLM API server version")
_READY = ("Application startup complete", "Avg generation throughput", "Avg prompt throughput")
_LOADED = (
    "Model loading took", "Loading weights took", "Loading model weights took", "model weights take",
    "Memory profiling takes", "Memory profiling results", "KV cache size:", "# GPU blocks",
    "Graph capturing", "Capturing CUDA graph", "Capturing the model", "torch.compile took",
)  # fmt: skip
_STOP = re.compile(
    r"shutdown triggered|(?<!trigger )[Rr]eceived (?:signal|SIG)"
    r"|^KeyboardInterrupt|SIGTERM received|[Gg]racefully (?:stop|shut)|SIGINT received"
)
_FAILED = re.compile(
    r"initialization failed|EngineCore failed to start|WorkerProc failed to start"
    r"|EngineDeadError|EngineCore encountered|engine core exited unexpectedly|died unexpectedly"
    r"|died with exit code|hit an exception|Engine loop (?:has died|is not running|is dead)"
    r"|AsyncEngineDeadError|Background loop has errored|MQEngineDeadError|Engine process failed"
    r"|Application startup failed|^vllm(?: \w+)?: error:|^usage: vllm.*error"
    r"|api_server\.py: error:|Aborted|core dumped|Segmentation fault|Fatal Python error"
    r"|^\s*Killed\s*$|terminate called|[Ee]rror in engine core|Terminating server process"
    r"|Unable to start|exited unexpectedly|Failed core proc"
)
_ARGUMENT = re.compile(r"\b(model|port)'?[=:] ?'?([^',)}]+)")
_TRACEBACK_LINES = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """Indices into the run's lines; None where it did not happen."""

    ready_at: int | None
    failed_at: int | None
    stopped_at: int | None
    loaded_at: int | None
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
    """The runs of one log, oldest first; each begins with vLLM's version line."""
    cuts = [0]
    for index, line in enumerate(lines):
        if any(mark in line.text for mark in _START) and index - cuts[-1] > 3:
            cuts.append(index)
    return [lines[start:end] for start, end in zip(cuts, [*cuts[1:], len(lines)], strict=True)]


def outcome_of(run: Sequence[LogLine], stop_requested: bool) -> Outcome:
    """Where the run's turning points are; failures count only after the last readiness."""
    ready = _first(run, lambda text: any(mark in text for mark in _READY))
    return Outcome(
        ready_at=ready,
        failed_at=_failure(run, ready or 0),
        stopped_at=_first(run, lambda text: bool(_STOP.search(text))),
        loaded_at=_first(run, lambda text: any(mark in text for mark in _LOADED)),
        asked=stop_requested,
    )


def arguments_of(run: Sequence[LogLine]) -> dict[str, str]:
    """The `model` and `port` that vLLM printed among its arguments, where it did."""
    for line in run:
        if "args: " in line.text:
            return {name: value for name, value in _ARGUMENT.findall(line.text) if value}
    return {}


def _failure(run: Sequence[LogLine], start: int) -> int | None:
    for index in range(start, len(run)):
        if run[index].level not in ("INFO", "DEBUG") and _FAILED.search(run[index].text):
            return index
    return None


def _first(run: Sequence[LogLine], test: Callable[[str], bool]) -> int | None:
    return next((index for index, line in enumerate(run) if test(line.text)), None)


def phase_at(run: Sequence[LogLine], index: int, outcome: Outcome) -> str:
    """`weights`, `warmup` or `serving`: by the frames above the line, else by what came before."""
    frames = _frames_above(run, index)
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
