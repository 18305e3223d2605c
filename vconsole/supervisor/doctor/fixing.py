"""Carrying out a fix, and measuring what it brought where it concerns the running server."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

from vconsole.errors import VConsoleError
from vconsole.requests.speed import measure_speed
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.doctor.check import Check, Fix
from vconsole.supervisor.doctor.gains import Gain, keep_gain
from vconsole.supervisor.model import OperationState, ServerStatus, StartRequest
from vconsole.supervisor.servers import record

# Precompiled kernels are gigabytes to fetch.
FIX_TIMEOUT_S = 3600
Say = Callable[[str], None]


def carry_out(fix: Fix) -> None:
    """Run its command; a failure is raised with the last line that it said."""
    try:
        done = subprocess.run(
            fix.command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FIX_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(fix, str(error)) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise _failed(fix, said[-1] if said else f"exit status {done.returncode}")


def carry_out_measured(client: SupervisorClient, name: str, check: Check, say: Say) -> Gain:
    """Measure the server `name`, mend, restart it, measure again, and keep both figures."""
    assert check.fix is not None
    before = server_speed(client.server(name))
    say(f"before: {before:,.0f} tokens/s")
    if check.fix.command:
        carry_out(check.fix)
    say(f"restarting {name} {' '.join(check.fix.changes)}".rstrip())
    _restart(client, name, check.fix, say)
    server = client.server(name)
    after = server_speed(server)
    gain = Gain(before, after, datetime.now(UTC), f"{server.engine_version} {server.engine_device}")
    keep_gain(check.name, gain)
    return gain


def _restart(client: SupervisorClient, name: str, fix: Fix, say: Say) -> None:
    """With the fix's flags; a start that fails with them is made up for by one without."""
    try:
        wait_for_end(client, client.restart(name, fix.changes).id, name)
    except VConsoleError as error:
        if not fix.undo:
            raise
        say(f"it did not start: {error.message}; starting {name} as it was")
        wait_for_end(client, client.start(name, StartRequest(change=fix.undo)).id, name)
        raise VConsoleError(
            f"{name} does not start with {' '.join(fix.changes)}, and runs as before:"
            f" {error.message}",
            error.remedy,
        ) from error


def server_speed(server: ServerStatus) -> float:
    """Generated tokens per second of a short load on this server."""
    if server.url is None or server.served_name is None:
        raise VConsoleError(f"{server.name} does not run, so its speed cannot be measured")
    given = record.load_environment(server.name)
    key = given.get("VLLM_API_KEY") or os.environ.get("VLLM_API_KEY")
    return asyncio.run(measure_speed(server.url, server.served_name, key)).tokens_per_s


def wait_for_end(client: SupervisorClient, operation: str, name: str) -> None:
    """Wait until an operation of a server is over; a failed one raises its error."""
    for status in client.watch(name):
        found = next((one for one in status.operations if one.id == operation), None)
        if found is None:
            raise VConsoleError(f"what was done to {name} was overtaken by another operation")
        if found.error:
            raise VConsoleError(found.error.message, found.error.remedy, kind=found.error.kind)
        if found.state is not OperationState.RUNNING:
            return
    raise VConsoleError("the supervisor left in the meantime", "`vconsole status` shows what is so")


def _failed(fix: Fix, why: str) -> VConsoleError:
    by_hand = " ".join(fix.command)
    return VConsoleError(f"could not {fix.words}: {why}", f"see all of it: {by_hand}")
