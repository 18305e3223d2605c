"""Two scrapes of one life of a server, and what happened between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vconsole.engine.metrics.figures import Histogram, Quantiles, Scrape, Sum
from vconsole.engine.metrics.quantiles import between, increase, largest

Counter = Callable[[Scrape], float | None]
Family = Callable[[Scrape], Histogram | Sum | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """A scrape and its instant, in monotonic seconds of the caller's clock."""

    at_s: float
    scrape: Scrape


@dataclass(frozen=True, slots=True)
class Span:
    """Two scrapes of the same life of a server, and what happened between them."""

    first: Sample
    last: Sample

    def increase(self, counter: Counter) -> float | None:
        """None where it is unknown, or where there are no two scrapes to compare."""
        before, after = counter(self.first.scrape), counter(self.last.scrape)
        if self.first is self.last or before is None or after is None:
            return None
        return after - before

    def rate(self, counter: Counter) -> float | None:
        increase = self.increase(counter)
        return None if increase is None else increase / (self.last.at_s - self.first.at_s)

    def ratio(self, part: Counter, whole: Counter) -> float | None:
        part_increase, whole_increase = self.increase(part), self.increase(whole)
        if part_increase is None or not whole_increase:
            return None
        return part_increase / whole_increase

    def share(self, part: Counter, whole: Counter) -> float | None:
        ratio = self.ratio(part, whole)
        return None if ratio is None else min(1.0, ratio)

    def hit_rate(self) -> float | None:
        """Of the prefix cache; a version without counters says only its share since the start."""
        scrape = self.last.scrape
        if scrape.prefix_cache_queries is None:
            return scrape.prefix_cache_hit_rate
        return self.share(lambda s: s.prefix_cache_hits, lambda s: s.prefix_cache_queries)

    def mean(self, family: Family) -> float | None:
        """The mean of what a histogram took in meanwhile, in its own unit."""
        return self.ratio(
            lambda scrape: found.total if (found := family(scrape)) else None,
            lambda scrape: found.count if (found := family(scrape)) else None,
        )

    def mean_ms(self, family: Family) -> float | None:
        seconds = self.mean(family)
        return None if seconds is None else seconds * 1000

    def quantiles(self, family: Callable[[Scrape], Histogram | None]) -> Quantiles:
        return between(family(self.first.scrape), family(self.last.scrape))

    def longest_request_tokens(self) -> float | None:
        """No request had more, as far as the buckets of its prompt and its answer say."""
        prompt = self._largest(lambda s: s.request_prompt_tokens)
        generation = self._largest(lambda s: s.request_generation_tokens)
        return None if prompt is None or generation is None else prompt + generation

    def _largest(self, family: Callable[[Scrape], Histogram | None]) -> float | None:
        after = family(self.last.scrape)
        counts = increase(family(self.first.scrape), after)
        return None if after is None or counts is None else largest(after.bounds, counts)
