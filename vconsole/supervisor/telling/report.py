"""Making the report of a span of time from what history keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from vconsole.settings import PriceSettings
from vconsole.supervisor.advice.afterwards import advise
from vconsole.supervisor.jobs.model import JobStatus, as_job
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.telling.costs import costs_of
from vconsole.supervisor.telling.event import Event, EventKind, EventQuery, Severity
from vconsole.supervisor.telling.levels import Level
from vconsole.supervisor.telling.report_model import FailureNote, Report, RestartNote, Served

MOST_EVENTS = 20_000
TOLD_ELSEWHERE = frozenset({EventKind.CRASH, EventKind.RESTART})
FindEvents = Callable[[EventQuery], tuple[Event, ...]]
SumUp = Callable[[float, float, str | None], Totals]


def make_report(
    find: FindEvents,
    sum_up: SumUp,
    since: datetime,
    server: str | None,
    prices: PriceSettings,
    jobs: Sequence[JobStatus] = (),
    levels: Sequence[Level] = (),
) -> Report:
    """What happened from `since` until now, of one server or (None) of all; it reads the disk."""
    until = datetime.now(UTC)
    events = find(EventQuery(since=since, server=server, limit=MOST_EVENTS))
    totals = sum_up(since.timestamp(), until.timestamp(), server)
    costs = costs_of(totals, prices, jobs, sum_up)
    return Report(
        since_at=since,
        until_at=until,
        served=_served(totals),
        restarts=tuple(_restart(one) for one in events if one.kind == EventKind.RESTART),
        failures=tuple(_failure(one) for one in events if one.kind == EventKind.CRASH),
        notable=tuple(one for one in events if _is_notable(one)),
        jobs=tuple(as_job(job) for job in jobs),
        energy_wh=totals.energy_wh,
        cost=costs.total.amount,
        currency=prices.currency or None,
        costs=costs,
        levels=tuple(level for level in levels if server in (None, level.server)),
        advice=advise(events, totals),
    )


def _served(totals: Totals) -> Served:
    finished = {reason: round(count) for reason, count in totals.finished.items()}
    return Served(
        requests=sum(finished.values()),
        finished=finished,
        prompt_tokens=round(totals.prompt_tokens),
        generation_tokens=round(totals.generation_tokens),
        preemptions=round(totals.preemptions),
        serving_s=totals.serving_s,
    )


def _restart(event: Event) -> RestartNote:
    return RestartNote(event.at, event.server, str(event.data.get("why") or event.text))


def _failure(event: Event) -> FailureNote:
    facts = event.data
    return FailureNote(
        at=event.at,
        server=event.server,
        cause=str(facts.get("failure") or "unknown"),
        message=str(facts.get("message") or event.text),
        remedy=str(facts["remedy"]) if facts.get("remedy") else None,
        state=str(facts.get("state") or "failed"),
    )


def _is_notable(event: Event) -> bool:
    return event.severity is not Severity.INFO and event.kind not in TOLD_ELSEWHERE
