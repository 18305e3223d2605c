"""What the service screen shows, read off the loop: the unit, what an install would change."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.host.service.installed import InstalledUnit, installed
from vconsole.host.service.journal import journal_command
from vconsole.host.service.plan import unit_path
from vconsole.host.service.text import unit_text
from vconsole.host.units import Scope
from vconsole.tui.background import chores
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.background.chores import Chore

JOURNAL_LINES = 200
JOURNAL_TIMEOUT_S = 10.0


class Page(StrEnum):
    PREVIEW = "preview"
    DIFF = "diff"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class ServiceLook:
    """`state` are lines for people; `error` says why there can be no unit, or no plan of one.

    `profile` is what an install would serve; it is None where nothing says so.
    """

    scope: Scope
    page: Page
    state: tuple[str, ...] = ()
    error: VConsoleError | None = None
    text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    path: str = ""
    profile: str | None = None
    installed: bool = False
    chore: Chore | None = None


ReadService = Callable[[Scope, Page], ServiceLook]


@dataclass
class ServiceArrived(Message):
    look: ServiceLook


def read_in_background(pump: MessagePump, read: ReadService, scope: Scope, page: Page) -> None:
    def run() -> None:
        deliver(pump, ServiceArrived(read(scope, page)))

    in_background("service", run)


def read_service(scope: Scope, page: Page) -> ServiceLook:
    """Read the unit anew; what cannot be read is said in the place of it."""
    found = installed(scope)
    state, error = _state(scope, found)
    text, notes, profile, no_plan = _planned(scope)
    shown = text if page is Page.PREVIEW else ()
    if page is Page.DIFF and found is not None:
        shown = _differences(found, text)
    if page is Page.JOURNAL:
        shown = _journal(scope)
    return ServiceLook(
        scope=scope,
        page=page,
        state=state,
        error=error or no_plan,
        text=shown,
        notes=notes,
        path=str(unit_path(scope)),
        profile=profile,
        installed=found is not None,
        chore=chores.look(),
    )


def _state(
    scope: Scope, found: InstalledUnit | None
) -> tuple[tuple[str, ...], VConsoleError | None]:
    from vconsole.supervisor.unit.report import report, report_lines

    try:
        return tuple(report_lines(asyncio.run(report(scope, found)))), None
    except VConsoleError as error:
        return (), error


def _planned(
    scope: Scope,
) -> tuple[tuple[str, ...], tuple[str, ...], str | None, VConsoleError | None]:
    from vconsole.supervisor.unit.planning import plan_unit

    try:
        planned = plan_unit(scope, None, {})
    except VConsoleError as error:
        return (), (), None, error
    text = tuple(unit_text(planned.unit).splitlines())
    return text, planned.notes, planned.unit.profile, None


def _differences(found: InstalledUnit, text: tuple[str, ...]) -> tuple[str, ...]:
    from vconsole.supervisor.unit.report import differences

    if not text:
        return ()
    lines = differences(found, "\n".join(text) + "\n")
    return tuple(lines) or (f"{found.path} is as an install would write it.",)


def _journal(scope: Scope) -> tuple[str, ...]:
    try:
        done = subprocess.run(
            journal_command(scope, JOURNAL_LINES),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=JOURNAL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (f"The journal cannot be read: {error}",)
    return tuple((done.stdout or done.stderr).splitlines()) or ("The journal has no line of it.",)
