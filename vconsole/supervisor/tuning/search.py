"""The search: one change at a time from the best so far, as a generator that does nothing itself.

It yields what is to be tried and is sent what became of it. It decides by that alone, so that an
interrupted search, sent the trials of its journal, comes to where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from vconsole.engine.command.flags import replaced, split_flags
from vconsole.supervisor.tuning.model import Knob, Rung, Setting, Standing, Trial

Knobs = Callable[[Trial], Sequence[Knob]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A setting to try, against the best trial so far."""

    setting: Setting
    rival: Trial | None = None


Search = Generator[Ask, Trial, Trial]


def search(start: Setting, knobs: Knobs) -> Search:
    """Measure `start`, then go along each knob in turn; returns the best trial.

    `knobs` are asked for once, when the start is measured.
    """
    best = yield Ask(start)
    if not best.series:
        return best
    for knob in knobs(best):
        best = yield from _along(knob, best)
    return best


def changed(flags: Sequence[str], option: str, rung: Rung) -> tuple[str, ...]:
    """`flags` with the option as `rung` has it, in its place; without flags it goes away."""
    if rung.flags:
        return replaced(flags, rung.flags)
    kept = (flag for flag in split_flags(flags) if flag.option != option)
    return tuple(word for flag in kept for word in flag.words)


def _along(knob: Knob, best: Trial) -> Search:
    """The first choice, then up while that is better, else down; nothing is tried twice."""
    at, tried = knob.at, {knob.at}

    def ask(rung: int) -> Ask:
        tried.add(rung)
        chosen = knob.rungs[rung]
        flags = changed(best.setting.flags, knob.option, chosen)
        return Ask(Setting(chosen.words, flags, knob.option), best)

    if knob.first is not None and knob.first not in tried:
        trial = yield ask(knob.first)
        if trial.standing is Standing.BETTER:
            best, at = trial, knob.first
    for step in (1, -1):
        came_from = at
        while 0 <= at + step < len(knob.rungs) and at + step not in tried:
            trial = yield ask(at + step)
            if trial.standing is not Standing.BETTER:
                break
            best, at = trial, at + step
        if at != came_from:
            break
    return best
