"""What is remembered across supervisors, in SQLite: starts, samples, what was served, events.

The one writer of the database. Every method blocks and may be called from any thread; none raises.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from vconsole.monitoring.budget import Counted
from vconsole.supervisor.memory.storage import events, samples, served, starts
from vconsole.supervisor.memory.storage.database import Database
from vconsole.supervisor.memory.storage.samples import Row
from vconsole.supervisor.memory.storage.served import Pending, Totals
from vconsole.supervisor.memory.tally import Counters
from vconsole.supervisor.model import Sample
from vconsole.supervisor.servers.record import Launch, Run
from vconsole.supervisor.telling.event import Event, EventQuery

# Minutes are folded again for so long, so that seconds written late are in them.
FOLDED_AGAIN_S = 180.0


class History:
    """The database; what a disk refuses is forgotten, and the supervisor's log says so once."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _prepare)
        self._folded_to_s = 0.0

    # --- starts ----------------------------------------------------------------------------------

    def add_start(self, server: str, plan: Launch, run: Run) -> None:
        self._database.write(lambda connection: starts.add(connection, server, plan, run))

    def learn(self, server: str, plan: Launch, run: Run) -> tuple[float, int]:
        """Remember a start; returns what was usual before it, as `median_ready_s` does."""
        usual = self.median_ready_s(plan.model, plan.engine)
        self.add_start(server, plan, run)
        return usual

    def learned_phases(self, model: str, engine: str) -> tuple[dict[str, float], int]:
        """Median seconds of each phase over the latest starts, and how many those are."""
        nothing: dict[str, float] = {}
        return self._database.read(
            lambda connection: starts.learned_phases(connection, model, engine), (nothing, 0)
        )

    def median_ready_s(self, model: str, engine: str) -> tuple[float, int]:
        """Median seconds until ready over the latest starts, and how many those are."""
        return self._database.read(
            lambda connection: starts.median_ready_s(connection, model, engine), (0.0, 0)
        )

    # --- samples and what was served -------------------------------------------------------------

    def add(self, rows: Sequence[Row], pending: Pending) -> bool:
        """Write a batch whole or not at all; whether it was written."""
        now_s = time.time()

        def work(connection: sqlite3.Connection) -> None:
            samples.add(connection, rows)
            if now_s // 60 > self._folded_to_s // 60:
                samples.fold_minutes(connection, self._folded_to_s - FOLDED_AGAIN_S, now_s)
            served.add(connection, pending)

        if written := self._database.write(work):
            self._folded_to_s = now_s
        return written

    def seconds(self, server: str, since_s: float, until_s: float) -> list[Sample]:
        """Samples of each second in a span of Unix time, oldest first."""
        return self._samples("seconds", server, since_s, until_s)

    def minutes(self, server: str, since_s: float, until_s: float) -> list[Sample]:
        """Samples of each minute in a span of Unix time, oldest first."""
        return self._samples("minutes", server, since_s, until_s)

    def counters(self) -> dict[str, Counters]:
        """Where the counters of each server stood when they were last written."""
        return self._database.read(served.counters, {})

    def totals(self, since_s: float, until_s: float, server: str | None) -> Totals:
        return self._database.read(
            lambda connection: served.totals(connection, since_s, until_s, server), Totals()
        )

    def levels(self, server: str, since_s: float, until_s: float) -> dict[str, Counted]:
        """What was promised in a span of Unix time, and how many did not get it."""
        return self._database.read(
            lambda connection: served.levels(connection, server, since_s, until_s),
            served.NOTHING_COUNTED,
        )

    # --- events ----------------------------------------------------------------------------------

    def add_events(self, added: Iterable[Event]) -> bool:
        return self._database.write(lambda connection: events.add(connection, added))

    def events(self, query: EventQuery) -> tuple[Event, ...]:
        return self._database.read(lambda connection: events.find(connection, query), ())

    def last_event_id(self) -> int:
        return self._database.read(events.last_id, 0)

    def close(self) -> None:
        self._database.close()

    def _samples(self, table: str, server: str, since_s: float, until_s: float) -> list[Sample]:
        return self._database.read(
            lambda connection: samples.read(connection, table, server, since_s, until_s), []
        )


def _prepare(connection: sqlite3.Connection) -> None:
    connection.executescript(starts.SCHEMA + served.SCHEMA + events.SCHEMA)
    samples.prepare(connection)
