"""Judging a start: before it, flags, plan and what failed before; after a failure, another one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from vconsole.engine.command.flags import options_given, replaced
from vconsole.engine.options.checking import WELL_KNOWN, Fault, faults
from vconsole.engine.options.reading import cached_options, engine_options
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.readings import GpuReading, Host
from vconsole.supervisor.model import Failure
from vconsole.supervisor.servers.book import Book
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.starts import planning, repeating
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

Machine = Callable[[], Awaitable[tuple[GpuReading, Host]]]


async def nothing_known() -> tuple[GpuReading, Host]:
    """The machine as nobody has read it."""
    return GpuReading(), Host()


class Judge:
    """Judges the starts of one server; `machine` gives cards and memory as they are now."""

    def __init__(self, book: Book, machine: Machine = nothing_known) -> None:
        self._book = book
        self._machine = machine

    async def before(self, operation: RunningOperation, asked: PreparedLaunch) -> PreparedLaunch:
        """The start with the plan's flags; one that cannot go well raises (exit codes 2 and 5)."""
        if asked.engine is None:
            return asked
        await asyncio.to_thread(_check_flags, asked)
        reading, host = await self._machine()
        prepared = await self._planned(operation, asked, reading, host)
        if not asked.anyway:
            await self._refuse_repetition(prepared, reading)
        return prepared

    async def after(
        self, operation: RunningOperation, prepared: PreparedLaunch
    ) -> PreparedLaunch | None:
        """After a failed start: remember what is bound to fail, and give the adapted start if any.

        None where it was not asked for, or the diagnosis names nothing to change.
        """
        failure = self._book.record.last_failure
        if failure is None or failure.at < operation.snapshot.started_at:
            return None
        if repeating.is_settled(failure):
            reading, _ = await self._machine()
            failed = await asyncio.to_thread(repeating.fingerprint, prepared, reading)
            await self._book.note(failed_start=failed)
        return _adapted(prepared, failure) if prepared.adapt else None

    async def _planned(
        self, operation: RunningOperation, asked: PreparedLaunch, reading: GpuReading, host: Host
    ) -> PreparedLaunch:
        plan = await asyncio.to_thread(planning.plan_of, asked, reading, host)
        if plan is None:
            return asked
        operation.note(plan=plan)
        if not asked.anyway and not asked.adapt:
            planning.refuse_too_big(plan, asked.launch.served_name)
        flags = planning.planned_flags(asked, plan) if asked.planned else ()
        card = planning.card_of(asked, reading, host)
        flagged = (*asked.launch.flags, *flags)
        return asked.with_flags(flagged, plan=plan, planned_flags=flags, card=card)

    async def _refuse_repetition(self, prepared: PreparedLaunch, reading: GpuReading) -> None:
        known = self._book.record
        if known.failed_start is None or known.last_failure is None:
            return
        now = await asyncio.to_thread(repeating.fingerprint, prepared, reading)
        if now == known.failed_start:
            repeating.refuse_repetition(known.last_failure)


def _adapted(prepared: PreparedLaunch, failure: Failure) -> PreparedLaunch | None:
    """The same start with what the failure suggests; once, and only where that changes it."""
    before = prepared.launch.flags
    flags = replaced(before, failure.suggested_flags)
    if not failure.suggested_flags or flags == before:
        return None
    return replace(prepared.with_flags(flags, planned_flags=()), adapt=False)


def _check_flags(prepared: PreparedLaunch) -> None:
    """Name a flag that this engine does not know, or a value that it refuses (exit code 2).

    Flags that every version knows are not worth the seconds that a first look at vLLM takes.
    """
    engine, flags = prepared.engine, prepared.launch.flags
    if engine is None or prepared.anyway:
        return
    options = cached_options(engine)
    if options is None:
        if options_given(flags) <= WELL_KNOWN:
            return
        try:
            options = engine_options(engine)
        except VConsoleError:
            # Then vLLM says it itself, if it can.
            return
    if found := faults(options, flags):
        raise unknown_flags(found)


def unknown_flags(found: tuple[Fault, ...]) -> VConsoleError:
    """The faults as one error; the remedy names what may be meant."""
    meant = [f"{each.closest} for {each.flag}" for each in found if each.closest]
    remedy = f"is it {', '.join(meant)}? " if meant else ""
    return VConsoleError(
        "; ".join(each.why for each in found),
        f"{remedy}`vconsole profile options` lists what this vLLM takes",
        ExitCode.USAGE,
        kind="bad_argument",
    )
