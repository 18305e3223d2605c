"""Making the report of a span of time from what history keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from vconsole.settings import PriceSettings
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.model import Job
from vconsole.supervisor.telling.event import Event, EventKind, EventQuery, Severity
from vconsole.supervisor.telling.report_advice import advise
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
    jobs: Sequence[Job] = (),
) -> Report:
    """What happened from `since` until now, of one server or (None) of all; it reads the disk."""
    until = datetime.now(UTC)
    events = find(EventQuery(since=since, server=server, limit=MOST_EVENTS))
    totals = sum_up(since.timestamp(), until.timestamp(), server)
    return Report(
        since_at=since,
        until_at=until,
        served=_served(totals),
        restarts=tuple(_restart(one) for one in events if one.kind == EventKind.RESTART),
        failures=tuple(_failure(one) for one in events if one.kind == EventKind.CRASH),
        notable=tuple(one for one in events if _is_notable(one)),
        jobs=tuple(jobs),
        energy_wh=totals.energy_wh,
        cost=cost(totals, prices),
        currency=prices.currency or None,
        advice=advise(events, totals),
    )


def cost(totals: Totals, prices: PriceSettings) -> float | None:
    """Energy at its price and the hours served at the hardware's; None where neither is known."""
    parts = []
    if prices.kwh > 0 and totals.energy_wh is not None:
        parts.append(totals.energy_wh / 1000 * prices.kwh)
    if prices.hardware_per_hour > 0:
        parts.append(totals.serving_s / 3600 * prices.hardware_per_hour)
    return sum(parts) if parts else None


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
