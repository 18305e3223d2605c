"""What a unit's ExecStopPost does: after a stop nothing may be left, after a crash everything.

systemd says how the service ended in SERVICE_RESULT and EXIT_STATUS (systemd.exec(5)).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.service.plan import LEFT_SERVERS_RUNNING
from vconsole.supervisor.daemon import only_one
from vconsole.supervisor.model import ServerState, Transition
from vconsole.supervisor.processes import process, tree
from vconsole.supervisor.servers import record

log = logging.getLogger(__name__)
# A stop that took too long ends with a timeout; all other results are ends that nobody asked for.
ENDS_SERVERS = frozenset({"success", "timeout"})


def reap(environ: Mapping[str, str] | None = None) -> None:
    """End what servers are left, where the service was stopped; what is wanted stays wanted."""
    environ = os.environ if environ is None else environ
    result = environ.get("SERVICE_RESULT")
    if result is None:
        raise VConsoleError(
            "only a unit of systemd may run this, after its supervisor ended",
            "`vconsole stop` stops a server",
            ExitCode.USAGE,
        )
    if not ends_servers(result, environ.get("EXIT_STATUS", "")):
        log.info("the service ended by %s: its servers keep running", result)
        return
    try:
        with only_one():
            asyncio.run(_end_all())
    except VConsoleError as error:
        if error.kind != "already_running":
            raise
        log.info("another supervisor has taken over: nothing is ended")


def ends_servers(result: str, exit_status: str) -> bool:
    """Whether an end of that kind was a stop of the service with all that it serves."""
    return result in ENDS_SERVERS and exit_status != str(LEFT_SERVERS_RUNNING)


async def _end_all() -> None:
    for name in record.recorded_names():
        known = record.load(name)
        run = known.run
        if run is None or run.boot_id != tree.boot_id():
            continue
        ending = await process.end_run(run, 0, lambda: None)
        if ending.survivors:
            left = process.describe(ending.survivors)
            log.error("%s: these processes would not end: %s", name, left)
            continue
        at = Transition(ServerState.STOPPED, datetime.now(UTC), "its service was stopped")
        transitions = (*known.transitions, at)[-record.KEPT_TRANSITIONS :]
        record.save(replace(known, state=ServerState.STOPPED, run=None, transitions=transitions))
