"""How long the prompts and answers of each server's users were, as the supervisor keeps it.

Over all lives of a server, without what our own benches sent: they would measure themselves.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.engine.metrics.figures import Histogram

FILE = "lengths.json"


@dataclass(frozen=True, slots=True)
class Counts:
    """A histogram of tokens: `counts[i]` were at most `bounds[i]`, the last one is all of them."""

    bounds: tuple[float, ...] = ()
    """The finite ones: JSON has no infinity."""
    counts: tuple[float, ...] = (0.0,)

    @classmethod
    def of(cls, histogram: Histogram) -> Counts:
        return cls(tuple(b for b in histogram.bounds if math.isfinite(b)), histogram.counts)

    def histogram(self) -> Histogram:
        return Histogram((*self.bounds, math.inf), self.counts, math.nan)

    def since(self, before: Counts | None) -> Counts:
        """What came since then; all of it where that was another life, or counted otherwise."""
        if before is None or before.bounds != self.bounds or before.counts[-1] > self.counts[-1]:
            return self
        pairs = zip(self.counts, before.counts, strict=True)
        return Counts(self.bounds, tuple(max(0.0, new - old) for new, old in pairs))

    def plus(self, more: Counts) -> Counts:
        """Both together; the newer one alone where their bounds differ, as another vLLM's may."""
        if self.bounds != more.bounds:
            return more if more.counts[-1] else self
        pairs = zip(self.counts, more.counts, strict=True)
        return Counts(self.bounds, tuple(a + b for a, b in pairs))


@dataclass(frozen=True, slots=True)
class AskedLengths:
    """What one server was asked, and where its counters stood when they were read last."""

    prompts: Counts = field(default_factory=Counts)
    answers: Counts = field(default_factory=Counts)
    life: str = ""
    seen_prompts: Counts | None = None
    seen_answers: Counts | None = None

    @property
    def requests(self) -> float:
        return min(self.prompts.counts[-1], self.answers.counts[-1])


def kept_lengths() -> Mapping[str, AskedLengths]:
    """By the name of the server; nothing where it cannot be read."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=dict[str, AskedLengths])
    except (OSError, msgspec.MsgspecError):
        return {}


def keep_lengths(lengths: Mapping[str, AskedLengths]) -> None:
    """Write them in place of what is there; raises `OSError`."""
    path = _path()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(lengths))
    temporary.replace(path)


def _path() -> Path:
    return paths.state_dir() / FILE
