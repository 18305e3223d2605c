"""Who runs now and with how much of the server: priority first, then shares by weight."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from vconsole.supervisor.jobs.model import JobKind, JobRecord, JobState

MOST_AT_ONCE = 8
WAITING = frozenset({JobState.QUEUED, JobState.RUNNING})


def shares(records: Iterable[JobRecord], now: datetime) -> dict[str, float]:
    """The share of its server for each job that may run now; the oldest first where too many."""
    due = [r for r in records if r.state in WAITING and (not r.not_before or r.not_before <= now)]
    found: dict[str, float] = {}
    for where in {_where(record) for record in due}:
        there = [record for record in due if _where(record) == where]
        highest = max(record.priority for record in there)
        first = [record for record in there if record.priority == highest][:MOST_AT_ONCE]
        # A bench measures nothing but itself, and nobody else while it does.
        if benches := [record for record in first if record.kind == JobKind.BENCH]:
            first = benches[:1]
        whole = sum(max(record.weight, 0.01) for record in first)
        found |= {record.id: max(record.weight, 0.01) / whole for record in first}
    return found


def _where(record: JobRecord) -> str:
    return record.url or f"name {record.server}"
