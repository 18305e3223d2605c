"""The figures of the last hour, or day, and their means per column of a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from vconsole.supervisor.memory.sampling import sample_of
from vconsole.supervisor.model import Sample, Status

KEPT = 3600
SHORTEST_BETWEEN_S = 0.9
# A graph per series and width; a resize leaves old widths behind.
MOST_GRAPHS = 24


class Columns:
    """Means of one field over spans of the clock; each sample is looked at once."""

    def __init__(self, field: str, span_s: float) -> None:
        self._field = field
        self.span_s = span_s
        self._means: dict[int, tuple[float, int]] = {}
        self.taken = 0

    def take(self, at_s: float, sample: Sample) -> None:
        value = getattr(sample, self._field)
        if value is None:
            return
        column = int(at_s // self.span_s)
        total, count = self._means.get(column, (0.0, 0))
        self._means[column] = total + value, count + 1

    def last(self, width: int, now_s: float) -> list[float | None]:
        """The last `width` columns, the one of `now_s` at the end; those before are forgotten."""
        last = int(now_s // self.span_s)
        for column in [column for column in self._means if column <= last - width]:
            del self._means[column]
        found = (self._means.get(column) for column in range(last - width + 1, last + 1))
        return [each[0] / each[1] if each else None for each in found]


class Kept:
    """Samples, oldest first, and the graphs that were drawn of them."""

    def __init__(self, most: int | None = None) -> None:
        self.samples: deque[tuple[float, Sample]] = deque(maxlen=most)
        self._most = most
        self._heard = 0
        self._graphs: dict[tuple[str, float, int], Columns] = {}

    def replace(self, samples: Iterable[Sample]) -> None:
        found = ((sample.at.timestamp(), sample) for sample in samples)
        self.samples = deque(found, maxlen=self._most)
        self._heard = len(self.samples)
        self._graphs.clear()

    def add(self, at_s: float, sample: Sample) -> None:
        self._heard += 1
        self.samples.append((at_s, sample))

    def columns(self, field: str, width: int, window_s: float, now_s: float) -> list[float | None]:
        graph = self._graph(field, window_s / width, width)
        new = min(self._heard - graph.taken, len(self.samples))
        graph.taken = self._heard
        for at_s, sample in islice(reversed(self.samples), new):
            if at_s < now_s - window_s - graph.span_s:
                break
            graph.take(at_s, sample)
        return graph.last(width, now_s)

    def peak(self, field: str, since_s: float) -> float | None:
        highest = None
        for at_s, sample in reversed(self.samples):
            if at_s < since_s:
                break
            value: float | None = getattr(sample, field)
            if value is not None and (highest is None or value > highest):
                highest = value
        return highest

    def _graph(self, field: str, span_s: float, width: int) -> Columns:
        key = (field, span_s, width)
        if key not in self._graphs:
            if len(self._graphs) >= MOST_GRAPHS:
                self._graphs.clear()
            self._graphs[key] = Columns(field, span_s)
        return self._graphs[key]


class History:
    """An hour, second by second, and a day by the minute where that was asked for.

    A second sample of the same second is dropped. `revision` rises when the day is replaced.
    """

    def __init__(self) -> None:
        self._hour = Kept(KEPT)
        self._day = Kept()
        self.revision = 0

    def replace(self, samples: Iterable[Sample]) -> None:
        """Take what the supervisor remembers of the hour, at a new connection."""
        self._hour.replace(samples)

    def replace_day(self, samples: Iterable[Sample]) -> None:
        """Take what it remembers of the day."""
        self._day.replace(samples)
        self.revision += 1

    def add(self, status: Status, at: datetime) -> None:
        metrics, at_s = status.metrics, at.timestamp()
        if metrics is None:
            return
        samples = self._hour.samples
        if samples and at_s - samples[-1][0] < SHORTEST_BETWEEN_S:
            return
        gpus = [gpu for gpu in status.gpus if gpu.index in status.server_gpus]
        self._hour.add(at_s, sample_of(at, metrics, gpus))

    def columns(self, field: str, width: int, window_s: float, now: datetime) -> list[float | None]:
        """Means of `width` equal spans up to `now`; a span without samples is None.

        Spans are aligned to the clock, so that a graph moves by whole columns and only its last
        one changes in between.
        """
        if width <= 0:
            return []
        return self._of(window_s).columns(field, width, window_s, now.timestamp())

    def peak(self, field: str, window_s: float, now: datetime) -> float | None:
        """The highest second of the last hour and, in a longer window, minute before that."""
        since_s = now.timestamp() - window_s
        kept = [self._hour] if window_s <= KEPT else [self._hour, self._day]
        known = [highest for each in kept if (highest := each.peak(field, since_s)) is not None]
        return max(known, default=None)

    def _of(self, window_s: float) -> Kept:
        return self._hour if window_s <= KEPT else self._day
