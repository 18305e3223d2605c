"""Many samples made few: a mean of each span, or its peak where that is what one looks for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime

from vconsole.supervisor.model import Sample

# A queue, a full cache or card matters even where it lasted for a moment; all else is a mean.
PEAKS = frozenset({"requests_waiting", "kv_cache_usage", "gpu_memory_used_bytes"})
FIGURES = tuple(field.name for field in fields(Sample) if field.name != "at")


def fold(samples: Iterable[Sample], seconds: float, points: int, now: datetime) -> list[Sample]:
    """At most `points` samples for the `seconds` up to `now`, each at the begin of its span.

    Spans are equal and aligned to the clock, the last is the running one; where nothing was sampled
    there is none, so a gap stays a gap.
    """
    span_s = max(1.0, math.ceil(seconds / max(1, points)))
    last = math.floor(now.timestamp() / span_s)
    spans: dict[int, list[Sample]] = {}
    for sample in samples:
        span = math.floor(sample.at.timestamp() / span_s)
        if last - points < span <= last:
            spans.setdefault(span, []).append(sample)
    return [_one(spans[span], span * span_s) for span in sorted(spans)]


def _one(samples: Sequence[Sample], at_s: float) -> Sample:
    figures = (_figure(samples, name) for name in FIGURES)
    return Sample(datetime.fromtimestamp(at_s, UTC), *figures)


def _figure(samples: Sequence[Sample], name: str) -> float | None:
    known: list[float] = [
        value for sample in samples if (value := getattr(sample, name)) is not None
    ]
    if not known:
        return None
    return max(known) if name in PEAKS else sum(known) / len(known)
