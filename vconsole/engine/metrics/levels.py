"""How many observations of a scrape kept a target: counts that only rise, as the histograms do."""

from __future__ import annotations

from vconsole.engine.metrics.figures import Histogram, Scrape


def at_most(histogram: Histogram, seconds: float) -> float:
    """How many observations were at most `seconds`, linear within a bucket.

    The inverse of `histogram_quantile`, with the same line through a bucket; what lies beyond the
    last finite bound counts as more, whatever is asked.
    """
    below, start = 0.0, 0.0
    for bound, count in zip(histogram.bounds[:-1], histogram.counts, strict=False):
        if seconds < bound:
            share = max(0.0, seconds - start) / (bound - start)
            return below + (count - below) * share
        below, start = count, bound
    return below


def slower_than(histogram: Histogram | None, milliseconds: float) -> tuple[float, float] | None:
    """All observations since the server started, and those above a target; None without any."""
    if histogram is None:
        return None
    return histogram.count, max(0.0, histogram.count - at_most(histogram, milliseconds / 1000))


def failed_answers(scrape: Scrape) -> tuple[float, float] | None:
    """Answers to posts under /v1, and those with a status of 500 or more."""
    if scrape.answers_by_status is None:
        return None
    failed = scrape.answers_by_status.get("5xx", 0.0)
    return sum(scrape.answers_by_status.values()), failed
