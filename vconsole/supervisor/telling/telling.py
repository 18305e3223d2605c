"""Events of one server's life, in the words and facts that the report reads again."""

from __future__ import annotations

from collections.abc import Mapping

from vconsole.engine.log.failures import Diagnosis
from vconsole.errors import VConsoleError
from vconsole.requests.messages import SmokeReport
from vconsole.supervisor.model import Failure, Operation, ServerState, Transition
from vconsole.supervisor.servers.record import Launch, ServerRecord, Transaction
from vconsole.supervisor.telling.event import EventKind, Fact, Severity
from vconsole.supervisor.telling.event_log import EventLog

S = ServerState
SEVERITY = {S.FAILED: Severity.ERROR, S.BACKOFF: Severity.WARNING, S.STALLED: Severity.WARNING}
SLOW = 2.0
# What the keeper adds to the cause of a backoff is of no interest once it is over.
NEXT_TRY = "; next try in "
FEWEST_STARTS = 3


class Teller:
    """Tells what befalls one server."""

    def __init__(self, server: str, events: EventLog) -> None:
        self._server = server
        self._events = events

    def transition(
        self, before: ServerRecord, entered: Transition, failure: Failure | None
    ) -> None:
        """A change of state; with a `failure` that came with it, what is known of its cause."""
        state, severity = entered.state, SEVERITY.get(entered.state, Severity.INFO)
        served = before.launch.served_name if before.launch else None
        facts: dict[str, Fact] = {
            "before": before.state.value,
            "state": state.value,
            "cause": entered.cause,
        }
        if state in {S.FAILED, S.BACKOFF} and failure:
            text = f"{state}: {entered.cause}: {failure.message}"
            facts |= {"failure": failure.cause, "message": failure.message}
            facts |= {"remedy": failure.remedy, "model": served}
            self._tell(EventKind.CRASH, text, facts, severity)
        elif state is S.STARTING and before.state is S.BACKOFF:
            why = before.transitions[-1].cause if before.transitions else "it had ended"
            why = why.partition(NEXT_TRY)[0]
            self._tell(EventKind.RESTART, f"started again: {why}", facts | {"why": why})
        else:
            self._tell(EventKind.STATE, f"{state}: {entered.cause}", facts, severity)

    def measured(self, text: str, predicted_tokens: int | None, tokens: int | None) -> None:
        """How far the plan of a start was off."""
        facts: dict[str, Fact] = {"predicted_kv_tokens": predicted_tokens, "kv_tokens": tokens}
        self._tell(EventKind.MEASURED, text, facts, Severity.INFO)

    def smoke(self, report: SmokeReport) -> None:
        failed = ", ".join(check.name for check in report.checks if not check.passed)
        text = f"smoke test {'passed' if report.passed else f'not passed: {failed}'}"
        severity = Severity.INFO if report.passed else Severity.ERROR
        slower = ", ".join(report.slower)
        if report.passed and slower:
            text += f", slower than the last good one: {slower}"
            severity = Severity.WARNING
        facts: dict[str, Fact] = {
            "passed": report.passed,
            "seconds": report.seconds,
            "failed": failed,
            "slower": slower,
        }
        self._tell(EventKind.SMOKE, text, facts, severity)

    def swapped(self, ended: Operation, error: VConsoleError | None) -> None:
        """A swap that came to its end, with the seconds of each of its steps."""
        seconds = sum(step.seconds or 0.0 for step in ended.steps)
        facts: dict[str, Fact] = {"from": ended.old, "to": ended.new, "seconds": seconds}
        facts |= {"rolled_back": ended.rolled_back, "error": error.kind if error else None}
        facts |= {f"{step.name} (s)": step.seconds for step in ended.steps}
        if error is None:
            text = f"{ended.old} was replaced by {ended.new} in {seconds:.1f} s"
        elif ended.rolled_back:
            text = f"swap rolled back: {error.message}"
        else:
            text = f"swap failed: {error.message}"
        self._tell(EventKind.SWAP, text, facts, Severity.ERROR if error else Severity.INFO)

    def swap_dropped(self, swap: Transaction, why: str) -> None:
        """One of which an earlier supervisor had only made the preparations."""
        old, new = swap.old.served_name, swap.candidates[0].served_name
        text = f"the swap of {old} to {new} was dropped: {why}"
        self._tell(EventKind.SWAP, text, {"from": old, "to": new}, Severity.WARNING)

    def fallback(self, swap: Transaction) -> str:
        """The candidate at hand failed for want of memory, and the next one is tried; in words."""
        failed, following = (swap.candidates[swap.tried + i].served_name for i in (0, 1))
        why = swap.failure.message if swap.failure else "memory did not suffice"
        return self.falls_back(failed, following, why)

    def falls_back(self, failed: str, following: str, why: str) -> str:
        text = f"{failed} does not fit ({why}); falling back to {following}"
        self._tell(EventKind.SWAP, text, {"from": failed, "to": following}, Severity.WARNING)
        return text

    def no_sleep(self, model: str, why: str) -> None:
        """A model that was to sleep is ended instead."""
        text = f"{model} is ended, not put asleep: {why}"
        self._tell(EventKind.SWAP, text, {"what": "no sleep", "model": model}, Severity.WARNING)

    def no_wake(self, model: str, why: str) -> None:
        """A model that was to wake is started instead."""
        text = f"{model} did not wake as it was ({why}); it is started anew"
        self._tell(EventKind.SWAP, text, {"what": "no wake", "model": model}, Severity.WARNING)

    def sleep_ended(self, model: str, why: str) -> None:
        text = f"{model} sleeps no more: {why}"
        self._tell(EventKind.SWAP, text, {"what": "sleep ended", "model": model})

    def degraded(self, found: Diagnosis) -> None:
        """A cause for which the server is worse than it could be, while it serves."""
        facts: dict[str, Fact] = {"cause": found.cause, "remedy": found.remedy}
        text = f"degraded ({found.cause}): {found.message}"
        self._tell(EventKind.DEGRADED, text, facts, Severity.WARNING)

    def start_took(self, plan: Launch, ready_s: float | None, median_s: float, starts: int) -> None:
        """Tell a start that took twice as long as it does; three earlier ones say what it does."""
        if ready_s is None or starts < FEWEST_STARTS or ready_s < SLOW * median_s:
            return
        text = f"the start of {plan.served_name} took {ready_s:.0f} s, {median_s:.0f} s is usual"
        facts = {"ready_s": ready_s, "median_s": median_s, "starts": starts}
        self._tell(EventKind.SLOW_START, text, facts, Severity.WARNING)

    def record(self, error: str | None) -> None:
        """The record cannot be written, or (None) can be again."""
        severity = Severity.ERROR if error else Severity.INFO
        self._tell(EventKind.RECORD, error or "the record can be written again", {}, severity)

    def log_problem(self, problem: str | None) -> None:
        """The log cannot be kept within bounds, or (None) can be again."""
        severity = Severity.WARNING if problem else Severity.INFO
        self._tell(EventKind.LOG, problem or "the log can be archived again", {}, severity)

    def adopted(self, pid: int) -> None:
        text = f"adopted from an earlier supervisor (pid {pid})"
        self._tell(EventKind.SUPERVISOR, text, {"what": "adopted", "pid": pid})

    def _tell(
        self,
        kind: EventKind,
        text: str,
        facts: Mapping[str, Fact],
        severity: Severity = Severity.INFO,
    ) -> None:
        self._events.add(kind, text, facts, severity, self._server)
