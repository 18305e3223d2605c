"""What was asked for and how far it is, and what a removal freed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vconsole.errors import ErrorBody
from vconsole.models.fit.plan import Plan


class OperationState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation; `ok` and `seconds` are None until it has ended."""

    name: str
    seconds: float | None = None
    ok: bool | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A start, stop, restart, swap or smoke test: has an id and steps, one at a time per server.

    A pull of a model is one too: its `server` is empty, and `subject` is what it brings.
    `old` and `new` are the models of a swap; it was `rolled_back` where the old one serves again.
    """

    id: str
    kind: str
    server: str
    state: OperationState
    started_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    steps: tuple[Step, ...] = ()
    error: ErrorBody | None = None
    gpu_memory_released: bool | None = None
    gpu_memory_note: str | None = None
    subject: str | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None
    bytes_per_s: float | None = None
    old: str | None = None
    new: str | None = None
    rolled_back: bool = False
    plan: Plan | None = None
    adapted: tuple[str, ...] = ()

    @property
    def swap_words(self) -> str | None:
        """Of a swap that runs: who takes whose place, and the step that it is in."""
        if self.kind != "swap" or self.state is not OperationState.RUNNING:
            return None
        step = f": {self.steps[-1].name}" if self.steps else ""
        return f"{self.old} is being replaced by {self.new}{step}"


@dataclass(frozen=True, slots=True)
class RemovedModel:
    """What a removal freed, or would free."""

    name: str
    path: str
    freed_bytes: int
    removed: bool
