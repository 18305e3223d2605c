"""Events and the report straight from the database, for when no supervisor runs; writes nothing."""

from __future__ import annotations

from datetime import datetime

from vconsole import paths
from vconsole.settings import PriceSettings
from vconsole.supervisor.memory.storage import events, served
from vconsole.supervisor.memory.storage.database import read_only
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.telling.event import Event, EventQuery
from vconsole.supervisor.telling.report import make_report
from vconsole.supervisor.telling.report_model import Report


def stored_events(query: EventQuery) -> tuple[Event, ...]:
    """The events that are asked for, oldest first; none where nothing can be read."""
    return read_only(paths.history_path(), lambda connection: events.find(connection, query), ())


def stored_report(since: datetime, server: str | None, prices: PriceSettings) -> Report:
    def sum_up(since_s: float, until_s: float, name: str | None) -> Totals:
        return read_only(
            paths.history_path(),
            lambda connection: served.totals(connection, since_s, until_s, name),
            Totals(),
        )

    return make_report(stored_events, sum_up, since, server, prices)
