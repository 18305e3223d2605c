"""Carries out a course: what the journal knows is not measured again, all else is and is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vconsole.errors import VConsoleError
from vconsole.requests.bench.model import Measured
from vconsole.supervisor.proving.journal import Journal, Line, Missed, Took
from vconsole.supervisor.proving.legs import RIVALS, WAYS
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.proving.stages import Course, Ground, Stage
from vconsole.supervisor.tuning.tuner import CannotGoOnError


@dataclass(frozen=True, slots=True)
class Hands:
    """What a proof does to the world, each call returning when it is done.

    `prepare` raises where a ground cannot be had, and then the server serves what it served.
    `measure` makes one repeat of a leg, of the prompts that its salt makes; `looked` is told
    after each, while its server still serves.
    """

    prepare: Callable[[Ground], None]
    measure: Callable[[Leg, int, str], Measured]
    looked: Callable[[Leg], None]


def carry_out(course: Course, journal: Journal, hands: Hands, nonce: str) -> None:
    """Go through the course to its end; whatever ends it leaves what was measured."""
    for stage in course.stages:
        if not _is_done(stage, journal):
            _carry_out(stage, journal, hands, nonce)


def _carry_out(stage: Stage, journal: Journal, hands: Hands, nonce: str) -> None:
    try:
        hands.prepare(stage.ground)
    except CannotGoOnError:
        raise
    except VConsoleError as error:
        for leg in stage.legs:
            journal.add(Line(missed=Missed(leg, error.message)))
        return
    for repeat in range(journal.header.subject.repeats):
        # A turn is whole or made again: whoever was second was asked what the first was.
        if not all(journal.has(leg, repeat) for leg in stage.legs):
            salt = _salt(stage, journal, repeat, nonce)
            for leg in _order(stage, repeat):
                _measure(leg, repeat, salt, journal, hands)


def _measure(leg: Leg, repeat: int, salt: str, journal: Journal, hands: Hands) -> None:
    """The other server's failure is a finding; ours ends the proof, to be gone on with."""
    if leg in journal.missing:
        return
    try:
        measured = hands.measure(leg, repeat, salt)
    except CannotGoOnError:
        raise
    except VConsoleError as error:
        if leg not in RIVALS:
            raise
        journal.add(Line(missed=Missed(leg, error.message)))
        return
    journal.add(Line(took=Took(leg, repeat, salt, measured)))
    hands.looked(leg)


def _order(stage: Stage, repeat: int) -> tuple[Leg, ...]:
    """Turn about who is first, but for what is warm only after it was cold."""
    turns = repeat % 2 and Leg.PREFIX_COLD not in stage.legs
    return stage.legs[::-1] if turns else stage.legs


def _salt(stage: Stage, journal: Journal, repeat: int, nonce: str) -> str:
    """Prompts that nobody has seen, or those of a leg elsewhere that is compared with."""
    key = WAYS[stage.legs[0]].key
    elsewhere = (leg for leg, way in WAYS.items() if way.key == key and leg not in stage.legs)
    known = (journal.salt_of(leg, repeat) for leg in elsewhere)
    return next((salt for salt in known if salt), f"{nonce}.{key}.{repeat}")


def _is_done(stage: Stage, journal: Journal) -> bool:
    repeats = range(journal.header.subject.repeats)
    return all(journal.has(leg, repeat) for leg in stage.legs for repeat in repeats)
