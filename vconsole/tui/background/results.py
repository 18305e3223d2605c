"""How the operations that this console asked for ended, as toasts; polling never makes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vconsole.errors import VConsoleError
from vconsole.supervisor.model import Operation, OperationState, SmokeReport, Status
from vconsole.tui.drawing import figures

Severity = Literal["information", "warning", "error"]
DONE_WORDS = {
    "start": "Ready",
    "stop": "Stopped",
    "restart": "Restarted",
    "swap": "Swapped",
    "pull": "Pulled",
}
# Refusals of a start that the user may overrule.
MAY_INSIST = frozenset({"too_big", "failed_before"})
KIND_WORDS = {"smoke": "smoke test"}


@dataclass(frozen=True, slots=True)
class Toast:
    """A notice that goes away by itself."""

    message: str
    title: str
    severity: Severity = "information"
    may_insist: bool = False


class Outcomes:
    """Remembers which operations are ours until they have ended."""

    def __init__(self) -> None:
        self._mine: set[str] = set()

    def expect(self, operation: Operation) -> None:
        self._mine.add(operation.id)

    def of(self, status: Status) -> list[Toast]:
        """A toast for each of ours that has ended since the last snapshot."""
        ended = [
            operation
            for operation in status.operations
            if operation.id in self._mine and operation.state is not OperationState.RUNNING
        ]
        self._mine -= {operation.id for operation in ended}
        return [_toast(operation, status) for operation in ended]


def refusal(verb: str, error: VConsoleError) -> Toast:
    """An error as a toast: what happened, and under it what to do."""
    text = error.message if not error.remedy else f"{error.message}\n{error.remedy}"
    insist = error.kind in MAY_INSIST
    return Toast(text, f"{verb[:1].upper()}{verb[1:]}: not done", "error", insist)


def _toast(operation: Operation, status: Status) -> Toast:
    here = operation.server in ("", status.server.name)
    if operation.kind == "smoke" and here and status.smoke is not None:
        return _smoke(status.smoke)
    if operation.state is OperationState.FAILED:
        body = operation.error
        error = (
            VConsoleError(body.message, body.remedy, kind=body.kind)
            if body
            else VConsoleError("it failed")
        )
        return refusal(KIND_WORDS.get(operation.kind, operation.kind), error)
    word = DONE_WORDS.get(operation.kind, operation.kind)
    word = word if here else f"{operation.server}: {word}"
    return Toast(f"{word} after {figures.seconds(operation.seconds)}.", word)


def _smoke(report: SmokeReport) -> Toast:
    if report.passed:
        checks = figures.plural(len(report.checks), "check")
        return Toast(f"{checks} in {figures.seconds(report.seconds)}.", "Smoke test passed")
    failed = [check for check in report.checks if not check.passed]
    text = "\n".join(f"{check.name}: {check.detail}" for check in failed[:3])
    return Toast(text, "Smoke test did not pass", "error")
