"""The smoke test: a dozen small requests that show whether a server really answers.

Each check is timed and bounded. Once the server is gone or silent, or does not serve the model, the
rest is not run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

from vconsole.engine.http.client import EngineClient
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.messages import SmokeCheck, SmokeReport
from vconsole.requests.smoke_checks import CHECKS, Check, Probe

CHECK_LIMIT_S = 60.0
# Without these nothing after them can pass.
REQUIRED = frozenset({"alive", "model"})


async def run_smoke(
    url: str,
    served_name: str,
    api_key: str | None = None,
    on_check: Callable[[SmokeCheck], None] | None = None,
    *,
    uds: str | None = None,
    check_limit_s: float = CHECK_LIMIT_S,
) -> SmokeReport:
    """Run every check in order; `on_check` hears of each as it ends.

    A failed check is part of the report; only a URL or key that cannot be used raises.
    """
    at, started_s = datetime.now(UTC), perf_counter()
    checks: list[SmokeCheck] = []
    async with EngineClient(url, api_key, uds) as client:
        probe = Probe(client, served_name)
        for name, check in CHECKS.items():
            left = len(CHECKS) - len(checks) - 1
            result, goes_on = await _run(name, check, probe, check_limit_s, left)
            checks.append(result)
            if on_check is not None:
                on_check(result)
            if not goes_on:
                break
    passed = all(check.passed for check in checks)
    return SmokeReport(passed, tuple(checks), perf_counter() - started_s, at)


async def _run(
    name: str, check: Check, probe: Probe, limit_s: float, left: int
) -> tuple[SmokeCheck, bool]:
    """One check's result, and whether those after it make sense."""
    started_s, failure = perf_counter(), None
    try:
        async with asyncio.timeout(limit_s):
            detail = await check(probe)
    except TimeoutError:
        failure = VConsoleError(f"no result within {limit_s:g} s", exit_code=ExitCode.TIMED_OUT)
    except VConsoleError as error:
        failure = error
    ms = (perf_counter() - started_s) * 1000
    if failure is None:
        return SmokeCheck(name, True, ms, detail), True
    # A server that broke one answer off may give the next; one that died refuses the next.
    lost = failure.exit_code in (ExitCode.NO_SERVER, ExitCode.TIMED_OUT)
    goes_on = name not in REQUIRED and not lost
    rest = "" if goes_on or not left else f"; the {left} checks after it were not run"
    return SmokeCheck(name, False, ms, f"{failure.message}{rest}"), goes_on
