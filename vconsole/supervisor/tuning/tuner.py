"""Carries out a search: what the journal knows is not tried again, all else is tried and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from vconsole.errors import VConsoleError
from vconsole.requests.bench.model import Measured
from vconsole.supervisor.tuning.journal import Journal
from vconsole.supervisor.tuning.judging import judged
from vconsole.supervisor.tuning.model import Setting, Standing, Trial, Trouble
from vconsole.supervisor.tuning.search import Ask, Search

# Judged once this many repeats are there, and again at the end: the clearly worse leave early.
REPEATS = (3, 3)


class UnfitError(VConsoleError):
    """A setting that was refused before anything was stopped."""


class CannotGoOnError(VConsoleError):
    """Nothing that a setting could be blamed for: the search ends here, to be gone on with."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the tuner does to the world, each call returning when it is done.

    `bring_up` makes the server run a setting and returns the flags that vLLM got; where it cannot,
    it raises and the server serves what it served before. `measure` makes one repeat.
    """

    bring_up: Callable[[Setting], tuple[str, ...]]
    measure: Callable[[int], Measured]
    told: Callable[[Trial], None]


def carry_out(
    search: Search,
    journal: Journal,
    hands: Hands,
    *,
    repeats: Sequence[int] = REPEATS,
    error_ratio: float = 1.0,
    most: int | None = None,
) -> Trial:
    """Go through the search to its end, or to `most` trials; returns the best.

    Whatever ends it (a signal, an error) leaves what was measured in the journal.
    """
    best: Trial | None = None
    try:
        ask = next(search)
        while True:
            trial = journal.known(ask.setting)
            if trial is None:
                trial = journal.add(_tried(ask, hands, repeats, error_ratio))
            hands.told(trial)
            if best is None or trial.standing is Standing.BETTER:
                best = trial
            if most is not None and len(journal.trials) >= most:
                return best
            ask = search.send(trial)
    except StopIteration as ended:
        found: Trial = ended.value
        return found


def _tried(ask: Ask, hands: Hands, repeats: Sequence[int], error_ratio: float) -> Trial:
    begun_s = time.monotonic()
    trial = Trial(ask.setting, Standing.FIRST)
    try:
        trial = replace(trial, ran=hands.bring_up(ask.setting))
        trial = _measured(trial, ask, hands, repeats, error_ratio)
    except CannotGoOnError:
        raise
    except VConsoleError as error:
        if ask.rival is None:
            raise
        standing = Standing.UNFIT if isinstance(error, UnfitError) else Standing.FAILED
        trouble = Trouble(error.kind, error.message, error.remedy)
        trial = replace(trial, standing=standing, trouble=trouble, why=error.message)
    return replace(trial, seconds=time.monotonic() - begun_s)


def _measured(
    trial: Trial, ask: Ask, hands: Hands, repeats: Sequence[int], error_ratio: float
) -> Trial:
    """Measure in turns of repeats; after each the clearly worse is left."""
    series: tuple[Measured, ...] = ()
    for until in accumulate(repeats):
        series += tuple(hands.measure(number) for number in range(len(series), until))
        trial = replace(trial, series=series)
        if ask.rival is None:
            continue
        found = judged(ask.rival.series, series, error_ratio)
        early = until < sum(repeats)
        standing, difference = found.standing, found.difference
        trial = replace(trial, standing=standing, difference=difference, why=found.why, early=early)
        if early and standing is Standing.WORSE:
            return trial
    return replace(trial, early=False)
