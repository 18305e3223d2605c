"""Following a swap to its end, whichever supervisor brings it there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from vconsole.cli.output import say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.servers.follow import SupervisorLeftError, until_ended
from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
from vconsole.supervisor.model import Operation, OperationState, ServerState, Status

# Who was killed again and again is followed no longer; what is so then, `status` says.
MOST_SUPERVISORS = 5
Report = Callable[[Operation | None], None]


def until_swapped(
    client: SupervisorClient, operation: Operation, timeout_s: float | None, report: Report
) -> tuple[Operation, Status]:
    """The swap as it ended; where its supervisor dies, the next one is brought up and followed.

    After `timeout_s` it raises with exit code 4; the swap itself goes on.
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s

    def told(found: Operation | None) -> None:
        nonlocal operation
        operation = found or operation
        report(found)

    for _ in range(MOST_SUPERVISORS):
        left_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        try:
            return until_ended(client, operation, left_s, None, told)
        except (SupervisorLeftError, SupervisorUnreachableError) as error:
            gone: VConsoleError = error
            say("the supervisor is gone; another one takes the swap up")
            client = reach_supervisor()
            status = client.status(operation.server)
            operation = _taken_up(status, operation)
        if operation.state is not OperationState.RUNNING:
            return operation, status
    raise gone


def _taken_up(status: Status, before: Operation) -> Operation:
    """The swap that goes on in the place of `before`, or `before` as it must have ended.

    Raises where nothing goes on: it was dropped before it had touched the old server.
    """
    swaps = (one for one in status.operations if one.kind == "swap")
    if found := next((one for one in swaps if one.server == before.server), None):
        return found
    server = status.server
    if server.state is ServerState.READY and server.served_name == before.new != before.old:
        return replace(before, state=OperationState.DONE)
    raise VConsoleError(
        f"the supervisor was killed, and the swap is not under way any more: {server.name} is "
        f"{server.state}" + (f" with {server.served_name}" if server.served_name else ""),
        "`vconsole events --kind swap` says what became of it; swap again",
        kind="swap_dropped",
    )
