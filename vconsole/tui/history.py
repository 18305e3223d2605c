"""The figures of the last hour, second by second, and their means per column of a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from vconsole.supervisor.model import Sample, Status

KEPT = 3600


class History:
    """Samples, oldest first; a second one of the same second is dropped."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)

    def replace(self, samples: Iterable[Sample]) -> None:
        """Take what the supervisor remembers, at a new connection."""
        self._samples = deque(samples, maxlen=KEPT)

    def add(self, status: Status, at: datetime) -> None:
        metrics = status.metrics
        if metrics is None:
            return
        if self._samples and (at - self._samples[-1].at).total_seconds() < 0.9:
            return
        self._samples.append(
            Sample(
                at=at,
                requests_running=metrics.requests_running,
                requests_waiting=metrics.requests_waiting,
                kv_cache_usage=metrics.kv_cache_usage,
                generation_tokens_per_s=metrics.generation_tokens_per_s,
                prompt_tokens_per_s=metrics.prompt_tokens_per_s,
                requests_per_s=metrics.requests_per_s,
            )
        )

    def columns(self, field: str, width: int, window_s: float, now: datetime) -> list[float | None]:
        """Means of `width` equal spans up to `now`; a span without samples is None.

        Spans are aligned to the clock, so that a graph moves by whole columns and only its last
        one changes in between.
        """
        if width <= 0:
            return []
        span_s = window_s / width
        last = int(now.timestamp() // span_s)
        sums, counts = [0.0] * width, [0] * width
        for sample in self._samples:
            column = int(sample.at.timestamp() // span_s) - last + width - 1
            value = getattr(sample, field)
            if 0 <= column < width and value is not None:
                sums[column] += value
                counts[column] += 1
        return [total / n if n else None for total, n in zip(sums, counts, strict=True)]

    def peak(self, field: str, window_s: float, now: datetime) -> float | None:
        """The highest value of one second in the window."""
        since = now.timestamp() - window_s
        values = [
            value
            for sample in self._samples
            if sample.at.timestamp() >= since and (value := getattr(sample, field)) is not None
        ]
        return max(values, default=None)
