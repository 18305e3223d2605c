"""What was served, from counters that only rise: differences, across restarts of vLLM and of us.

Pure: the caller keeps the last `Counters` of each server, also across supervisors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vconsole.engine.metrics.figures import Scrape
from vconsole.engine.metrics.levels import failed_answers, slower_than
from vconsole.monitoring.budget import Counted
from vconsole.settings import ServiceLevelSettings
from vconsole.supervisor.telling.levels import ERRORS, ITL, TTFT


@dataclass(frozen=True, slots=True)
class LevelCount:
    """What was promised `target` since the server started, and how many did not get it.

    An error is one whatever its target: theirs is always 0.
    """

    target: float
    total: float
    bad: float


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of one life of a server, which `life` tells from every other."""

    life: str
    prompt_tokens: float | None = None
    generation_tokens: float | None = None
    preemptions: float | None = None
    finished: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, LevelCount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Increase:
    """What came between two readings; `finished` counts requests by their finish reason."""

    prompt_tokens: float = 0.0
    generation_tokens: float = 0.0
    preemptions: float = 0.0
    finished: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, Counted] = field(default_factory=dict)


def counters_of(life: str, scrape: Scrape, targets: ServiceLevelSettings | None = None) -> Counters:
    """Where a scrape's counters stand; how the `targets` are kept is counted where there are."""
    return Counters(
        life,
        scrape.prompt_tokens,
        scrape.generation_tokens,
        scrape.preemptions,
        dict(scrape.finished_by_reason),
        _level_counts(scrape, targets) if targets else {},
    )


def _level_counts(scrape: Scrape, targets: ServiceLevelSettings) -> dict[str, LevelCount]:
    ttft_ms, itl_ms = targets.ttft_p95_ms, targets.itl_p95_ms
    counted = (
        (TTFT, ttft_ms, slower_than(scrape.ttft, ttft_ms)),
        (ITL, itl_ms, slower_than(scrape.itl, itl_ms)),
        (ERRORS, 0.0, failed_answers(scrape)),
    )
    return {
        name: LevelCount(target, *found) for name, target, found in counted if found is not None
    }


def latest(before: Counters | None, after: Counters) -> Counters:
    """`after`, with what it could not read as it was `before` in the same life."""
    if before is None or before.life != after.life:
        return after
    return Counters(
        after.life,
        before.prompt_tokens if after.prompt_tokens is None else after.prompt_tokens,
        before.generation_tokens if after.generation_tokens is None else after.generation_tokens,
        before.preemptions if after.preemptions is None else after.preemptions,
        {**before.finished, **after.finished},
        {**before.levels, **after.levels},
    )


def increase(before: Counters | None, after: Counters, *, foreign: bool = False) -> Increase:
    """What `after` has more than `before`; a new life and a counter that fell begin at 0.

    Of a `foreign` life that was never read before, what it did earlier is not ours to count.
    """
    is_new = before is None or before.life != after.life
    if before is None or is_new:
        if foreign:
            return Increase()
        before = Counters(after.life)
    return Increase(
        prompt_tokens=_more(before.prompt_tokens, after.prompt_tokens),
        generation_tokens=_more(before.generation_tokens, after.generation_tokens),
        preemptions=_more(before.preemptions, after.preemptions),
        finished={
            reason: more
            for reason, count in after.finished.items()
            if (more := _more(before.finished.get(reason), count)) > 0
        },
        levels={
            name: of_level
            for name, level in after.levels.items()
            if (of_level := _more_of_level(before.levels.get(name), level)).total > 0
        },
    )


def _more_of_level(before: LevelCount | None, after: LevelCount) -> Counted:
    """Another target tells of the past anew: what came since the last reading is not counted."""
    if before is None or after.total < before.total:
        return Counted(after.total, after.bad)
    if before.target != after.target:
        return Counted()
    return Counted(after.total - before.total, max(0.0, after.bad - before.bad))


def _more(before: float | None, after: float | None) -> float:
    if after is None:
        return 0.0
    if before is None or after < before:
        return after
    return after - before
