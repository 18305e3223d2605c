"""Events and the report straight from the database, for when no supervisor runs; writes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from vconsole import paths, settings
from vconsole.models.profiles import load_profiles
from vconsole.monitoring.budget import Counted
from vconsole.settings import PriceSettings
from vconsole.supervisor.memory.storage import events, served
from vconsole.supervisor.memory.storage.database import read_only
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.servers import record
from vconsole.supervisor.telling.event import Event, EventQuery
from vconsole.supervisor.telling.levels import Level, make_levels
from vconsole.supervisor.telling.promises import targets_of
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

    return make_report(stored_events, sum_up, since, server, prices, levels=_stored_levels())


def _stored_levels() -> tuple[Level, ...]:
    """By the targets of the settings and of each server's last profile."""
    targets, profiles = settings.load().service_level, load_profiles()
    found: list[Level] = []
    for name in record.recorded_names():
        launch = record.load(name).launch
        if launch:
            of_server = targets_of(targets, profiles.get(launch.profile or ""))
            found += make_levels(name, of_server, _count_levels, time.time())
    return tuple(found)


def _count_levels(server: str, since_s: float, until_s: float) -> Mapping[str, Counted]:
    return read_only(
        paths.history_path(),
        lambda connection: served.levels(connection, server, since_s, until_s),
        served.NOTHING_COUNTED,
    )
