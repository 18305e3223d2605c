"""What the doctor says: findings of single checks, and all of them with their score."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Fix:
    """A command that mends a finding, or flags for the running server; `words` say what it changes.

    With `restarts` it works from the server's next start on, and its gain can be measured.
    `changes` are vLLM flags for that start, `undo` those that take them back where it fails.
    """

    words: str
    command: tuple[str, ...] = ()
    restarts: bool = False
    changes: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()

    @property
    def effects(self) -> tuple[str, ...]:
        """What it does, a sentence each, before it is agreed to."""
        runs = (f"It runs: {' '.join(self.command)}",) if self.command else ()
        flags = " ".join(self.changes)
        changes = (f"The server is started again with {flags}.",) if flags else ()
        undone = ("If that start fails, it is started as it was.",) if flags else ()
        return (*runs, *changes, *undone)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: the evidence in `detail`, the way to mend it, and what that would bring.

    `gain` says whether it was measured, computed or is only expected.
    """

    status: State
    detail: str
    remedy: str | None = None
    gain: str | None = None
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A finding under its check's name; `optimisation` is whether it counts for the score."""

    name: str
    title: str
    status: State
    detail: str
    remedy: str | None = None
    fixable: bool = False
    gain: str | None = None
    optimisation: bool = False
    fix: Fix | None = None

    @property
    def counts(self) -> bool:
        return self.optimisation and self.status is not State.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks; `score` is the share of the optimisations that apply here and are in place.

    It is None where none applies, such as without an engine.
    """

    checks: tuple[Check, ...]
    server: str | None = None
    score: float | None = None
    in_place: int = 0
    optimisations: int = 0
    arithmetic: str = ""
    missing: tuple[str, ...] = field(default_factory=tuple)


def scored(checks: tuple[Check, ...], server: str | None) -> Examination:
    """The examination of these checks, with its arithmetic in words."""
    counted = [check for check in checks if check.counts]
    missing = [check for check in counted if check.status is not State.OK]
    unknown = sum(check.status is State.UNKNOWN for check in missing)
    in_place = len(counted) - len(missing)
    words = f"{in_place} of {len(counted)} optimisations in place"
    words += f", {unknown} of them unknown" if unknown else ""
    return Examination(
        checks=checks,
        server=server,
        score=round(in_place / len(counted), 3) if counted else None,
        in_place=in_place,
        optimisations=len(counted),
        arithmetic=words if counted else "no optimisation applies here",
        missing=tuple(check.name for check in missing),
    )


def ok(detail: str, gain: str | None = None) -> Finding:
    return Finding(State.OK, detail, gain=gain)


def unknown(detail: str, remedy: str | None = None) -> Finding:
    return Finding(State.UNKNOWN, detail, remedy)


def not_applicable(detail: str) -> Finding:
    return Finding(State.NOT_APPLICABLE, detail)
