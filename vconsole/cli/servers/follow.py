"""Following an operation of the supervisor until it ends, with its phases on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable

from vconsole.cli.output import duration, say
from vconsole.errors import ErrorBody, ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Operation, OperationState, ServerStatus, Status


class SupervisorLeftError(VConsoleError):
    """The supervisor ended, by whatever, while its operation ran."""


def follow(
    client: SupervisorClient,
    operation: Operation,
    timeout_s: float | None = None,
    report: Callable[[ServerStatus], None] | None = None,
    report_operation: Callable[[Operation | None], None] | None = None,
) -> tuple[Operation, Status]:
    """Wait for the end of an operation; a failed one raises its error."""
    ended, status = until_ended(client, operation, timeout_s, report, report_operation)
    if ended.error:
        raise error_of(ended.error)
    return ended, status


def until_ended(
    client: SupervisorClient,
    operation: Operation,
    timeout_s: float | None = None,
    report: Callable[[ServerStatus], None] | None = None,
    report_operation: Callable[[Operation | None], None] | None = None,
) -> tuple[Operation, Status]:
    """Wait for the end of an operation, however it ends.

    After `timeout_s` it raises with exit code 4; the operation itself goes on.
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    for status in client.watch(operation.server):
        if report:
            report(status.server)
        found = next((one for one in status.operations if one.id == operation.id), None)
        if report_operation:
            report_operation(found)
        if found is None:
            raise VConsoleError(f"the {operation.kind} was overtaken by another operation")
        if found.state is not OperationState.RUNNING:
            return found, status
        if deadline_s is not None and time.monotonic() > deadline_s:
            raise _timed_out(operation)
    raise SupervisorLeftError(
        f"the supervisor left while the {operation.kind} ran",
        "`vconsole status` shows what is so",
    )


class PhasePrinter:
    """One line on stderr for each phase of a start, as it ends."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._eta_told = False

    def __call__(self, server: ServerStatus) -> None:
        if server.eta_s is not None and not self._eta_told:
            starts = "start" if server.eta_starts == 1 else "starts"
            say(f"about {duration(server.eta_s)} (median of {server.eta_starts} {starts} here)")
            self._eta_told = True
        for phase in server.phases:
            if phase.seconds is not None and phase.name not in self._told:
                self._told.add(phase.name)
                say(f"  {phase.name:<9}{phase.seconds:6.1f} s")


def error_of(body: ErrorBody) -> VConsoleError:
    return VConsoleError(body.message, body.remedy, ExitCode(body.exit_code), body.kind)


def _timed_out(operation: Operation) -> VConsoleError:
    return VConsoleError(
        f"the {operation.kind} of {operation.server} is not finished in time; it goes on",
        f"follow it: vconsole status --watch --name {operation.server}",
        ExitCode.TIMED_OUT,
    )
