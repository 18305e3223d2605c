"""The figures of the last hour, second by second, and their means per column of a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from vconsole.supervisor.model import Sample, Status

KEPT = 3600
SHORTEST_BETWEEN_S = 0.9
# A graph per series and width; a resize leaves old widths behind.
MOST_GRAPHS = 24


class Columns:
    """Means of one field over spans of the clock; each sample is looked at once."""

    def __init__(self, field: str, span_s: float) -> None:
        self._field = field
        self._span_s = span_s
        self._means: dict[int, tuple[float, int]] = {}
        self.taken = 0

    def take(self, at_s: float, sample: Sample) -> None:
        self.taken += 1
        value = getattr(sample, self._field)
        if value is None:
            return
        column = int(at_s // self._span_s)
        total, count = self._means.get(column, (0.0, 0))
        self._means[column] = total + value, count + 1

    def last(self, width: int, now_s: float) -> list[float | None]:
        """The last `width` columns, the one of `now_s` at the end; those before are forgotten."""
        last = int(now_s // self._span_s)
        for column in [column for column in self._means if column <= last - width]:
            del self._means[column]
        found = (self._means.get(column) for column in range(last - width + 1, last + 1))
        return [each[0] / each[1] if each else None for each in found]


class History:
    """Samples, oldest first; a second one of the same second is dropped."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Sample]] = deque(maxlen=KEPT)
        self._heard = 0
        self._graphs: dict[tuple[str, float, int], Columns] = {}

    def replace(self, samples: Iterable[Sample]) -> None:
        """Take what the supervisor remembers, at a new connection."""
        found = ((sample.at.timestamp(), sample) for sample in samples)
        self._samples = deque(found, maxlen=KEPT)
        self._heard = len(self._samples)
        self._graphs.clear()

    def add(self, status: Status, at: datetime) -> None:
        metrics, at_s = status.metrics, at.timestamp()
        if metrics is None:
            return
        if self._samples and at_s - self._samples[-1][0] < SHORTEST_BETWEEN_S:
            return
        self._heard += 1
        sample = Sample(
            at=at,
            requests_running=metrics.requests_running,
            requests_waiting=metrics.requests_waiting,
            kv_cache_usage=metrics.kv_cache_usage,
            generation_tokens_per_s=metrics.generation_tokens_per_s,
            prompt_tokens_per_s=metrics.prompt_tokens_per_s,
            requests_per_s=metrics.requests_per_s,
        )
        self._samples.append((at_s, sample))

    def columns(self, field: str, width: int, window_s: float, now: datetime) -> list[float | None]:
        """Means of `width` equal spans up to `now`; a span without samples is None.

        Spans are aligned to the clock, so that a graph moves by whole columns and only its last
        one changes in between.
        """
        if width <= 0:
            return []
        graph = self._graph(field, window_s / width, width)
        new = min(self._heard - graph.taken, len(self._samples))
        graph.taken = self._heard - new
        for index in range(len(self._samples) - new, len(self._samples)):
            graph.take(*self._samples[index])
        return graph.last(width, now.timestamp())

    def _graph(self, field: str, span_s: float, width: int) -> Columns:
        key = (field, span_s, width)
        if key not in self._graphs:
            if len(self._graphs) >= MOST_GRAPHS:
                self._graphs.clear()
            self._graphs[key] = Columns(field, span_s)
        return self._graphs[key]

    def peak(self, field: str, window_s: float, now: datetime) -> float | None:
        """The highest value of one second in the window."""
        since_s, highest = now.timestamp() - window_s, None
        for at_s, sample in reversed(self._samples):
            if at_s < since_s:
                break
            value = getattr(sample, field)
            if value is not None and (highest is None or value > highest):
                highest = value
        return highest
