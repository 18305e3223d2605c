"""A start that a user asked for: planned first, adapted once on demand, with its fallbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vconsole.engine.command.flags import difference
from vconsole.errors import VConsoleError
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.starts import succession
from vconsole.supervisor.servers.starts.launch import PreparedLaunch
from vconsole.supervisor.servers.starts.succession import Chain

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server


async def start_one_of(server: Server, operation: RunningOperation, chain: Chain) -> None:
    """The first of `chain` that memory suffices for; only for want of it the next is tried."""
    for number, asked in enumerate(chain, 1):
        try:
            await _judged(server, operation, asked)
            return
        except VConsoleError as error:
            if number == len(chain) or not succession.smaller_may_help(error.kind):
                raise
            failed, smaller = asked.launch.served_name, chain[number].launch.served_name
            operation.falls_back(server.teller.falls_back(failed, smaller, error.message))


async def _judged(server: Server, operation: RunningOperation, asked: PreparedLaunch) -> None:
    with operation.step("plan", asked.launch.served_name):
        prepared = await server.judge.before(operation, asked)
    try:
        await server.start_now(operation, prepared, "asked for")
    except VConsoleError:
        adapted = await server.judge.after(operation, prepared)
        if adapted is None:
            raise
        change = difference(prepared.launch.flags, adapted.launch.flags)
        operation.note(adapted=change)
        await server.start_now(operation, adapted, f"adapted: {'; '.join(change)}")
