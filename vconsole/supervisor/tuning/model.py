"""The words of the tuner: a setting, a knob that changes it, and a trial of one.

All of it is data that the journal keeps; fields are only ever added.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vconsole.requests.bench.model import Difference, Measured


@dataclass(frozen=True, slots=True)
class Setting:
    """vLLM's flags as a user would give them; `words` say what was changed last."""

    words: str
    flags: tuple[str, ...]
    knob: str | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """A value of one option: in words, and the flags for it (none: the plan or vLLM decides)."""

    words: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knob:
    """One option with its values in order; `at` is the one in force.

    `first` is tried before the neighbours of `at`: what the plan or vLLM would have chosen.
    """

    option: str
    rungs: tuple[Rung, ...]
    at: int
    first: int | None = None


class Standing(StrEnum):
    """How a trial stands against the best one before it."""

    FIRST = "as it was"
    BETTER = "better"
    SAME = "no better"
    WORSE = "worse"
    FAILED = "failed"
    UNFIT = "refused"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a setting could not be measured, and what to do about it."""

    cause: str
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting with its repeats; `early` where it was left before the last of them.

    `ran` are the flags that vLLM got, the plan's among them; `why` is the standing in a sentence.
    """

    setting: Setting
    standing: Standing
    series: tuple[Measured, ...] = ()
    difference: Difference | None = None
    why: str = ""
    early: bool = False
    ran: tuple[str, ...] = ()
    trouble: Trouble | None = None
    seconds: float | None = None
