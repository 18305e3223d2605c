"""Fetches the report of what happened, in a thread, for the page that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.tui.background.calls import deliver
from vconsole.tui.messages import ReportArrived, VerbRefused

if TYPE_CHECKING:
    from vconsole.supervisor.telling.report_model import Report


def fetch_report(pump: MessagePump, ask: Callable[[], Report], away: bool) -> None:
    """Post the report to `pump`; a refusal is told only to somebody who asked for it."""
    try:
        deliver(pump, ReportArrived(ask(), away))
    except VConsoleError as error:
        if not away:
            deliver(pump, VerbRefused("report", error))
    except msgspec.MsgspecError as error:
        said = VConsoleError(f"the supervisor's answer makes no sense: {error}")
        deliver(pump, VerbRefused("report", said))
