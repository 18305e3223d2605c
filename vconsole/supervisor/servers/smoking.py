"""The smoke test of a life: run, kept for comparison with later ones, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from vconsole.errors import VConsoleError
from vconsole.requests.messages import SmokeCheck, SmokeReport
from vconsole.requests.smoke import run_smoke
from vconsole.supervisor.memory import smoke_results
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server


async def smoke_test(
    server: Server, life: Life, on_check: Callable[[SmokeCheck], None] | None = None
) -> SmokeReport:
    """Test a life of `server`; each check is told as it ends."""
    plan = life.launch
    report = await run_smoke(plan.url, plan.served_name, life.api_key, on_check)
    report = replace(report, model=plan.model, engine=plan.engine)
    report = await asyncio.to_thread(smoke_results.keep, server.name, report)
    server.smoke_report = report
    server.teller.smoke(report)
    return report


async def smoke_asked_for(server: Server, operation: RunningOperation) -> None:
    """A smoke test as an operation: each check is a step, and one that fails is its error."""
    report = await smoke_test(server, server.require_ready(), operation.checked)
    if not report.passed:
        failed = ", ".join(check.name for check in report.checks if not check.passed)
        raise VConsoleError(f"smoke test not passed: {failed}", kind="smoke_failed")
