"""Following an operation of the supervisor until it ends, with its phases on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable

from vconsole.cli.output import duration, say
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Operation, OperationState, ServerStatus, Status


def follow(
    client: SupervisorClient,
    operation: Operation,
    timeout_s: float | None = None,
    report: Callable[[ServerStatus], None] | None = None,
) -> tuple[Operation, Status]:
    """Wait for the end of an operation; a failed one raises its error.

    After `timeout_s` it raises with exit code 4; the operation itself goes on.
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    for status in client.watch(operation.server):
        if report:
            report(status.server)
        found = next((one for one in status.operations if one.id == operation.id), None)
        if found is None:
            raise VConsoleError(f"the {operation.kind} was overtaken by another operation")
        if found.state is not OperationState.RUNNING:
            return _ended(found), status
        if deadline_s is not None and time.monotonic() > deadline_s:
            raise _timed_out(operation)
    raise VConsoleError(
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


def _ended(operation: Operation) -> Operation:
    if operation.error:
        body = operation.error
        raise VConsoleError(body.message, body.remedy, ExitCode(body.exit_code), body.kind)
    return operation


def _timed_out(operation: Operation) -> VConsoleError:
    return VConsoleError(
        f"the {operation.kind} of {operation.server} is not finished in time; it goes on",
        f"follow it: vconsole status --watch --name {operation.server}",
        ExitCode.TIMED_OUT,
    )
