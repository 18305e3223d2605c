"""The questions in the socket's URLs, checked: what makes no sense is a usage error in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.names import checked_name
from vconsole.supervisor.telling.event import EventKind, EventQuery

# Shorter than the client's patience with a silent supervisor.
LONGEST_WAIT_S = 10.0
MOST_EVENTS = 20_000
MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    seconds: float
    points: int | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> HistoryQuery:
        points = _number(query, "points", None)
        if points is not None and not 1 <= points <= MOST_POINTS:
            raise _wrong(f"points is 1 to {MOST_POINTS}")
        return cls(_known(query, "seconds", 600.0), None if points is None else int(points))


@dataclass(frozen=True, slots=True)
class EventLogQuery:
    events: EventQuery
    wait_s: float

    @classmethod
    def of(cls, query: Any) -> EventLogQuery:
        """Of a multidict, since `kind` may be given several times."""
        after_id = _number(query, "after_id", None)
        events = EventQuery(
            since=_instant(query.get("since")),
            kinds=known_kinds(tuple(query.getall("kind", ()))),
            server=_server(query),
            after_id=None if after_id is None else int(max(-1.0, min(after_id, 2.0**53))),
            limit=int(min(MOST_EVENTS, max(0.0, _known(query, "limit", 1000.0)))),
        )
        return cls(events, min(LONGEST_WAIT_S, _known(query, "wait_s", 0.0)))


@dataclass(frozen=True, slots=True)
class ReportQuery:
    since: datetime
    server: str | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> ReportQuery:
        since = _instant(query.get("since"))
        return cls(since or datetime.now(UTC) - timedelta(days=1), _server(query))


def known_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds as asked for; one that no event has is an error that names those there are."""
    for kind in kinds:
        if kind not in set(EventKind):
            raise _wrong(f"there are no events of kind {kind!r}", f"one of {', '.join(EventKind)}")
    return kinds


def _server(query: Mapping[str, str]) -> str | None:
    name = query.get("server")
    return None if name is None else checked_name(name)


def _known(query: Mapping[str, str], name: str, default: float) -> float:
    found = _number(query, name, default)
    return default if found is None else found


def _number(query: Mapping[str, str], name: str, default: float | None) -> float | None:
    text = query.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError as error:
        raise _wrong(f"{name} is a number") from error
    if not math.isfinite(number):
        raise _wrong(f"{name} is a finite number")
    return number


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong(f"since is an instant as of RFC 3339, not {text!r}") from error


def _wrong(message: str, remedy: str | None = None) -> VConsoleError:
    return VConsoleError(message, remedy, ExitCode.USAGE)
