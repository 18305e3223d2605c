"""events: what happened, a line each; from the supervisor or, without one, from its database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import click

from vconsole.cli.options import any_server, json_output
from vconsole.cli.output import print_json, say
from vconsole.cli.reaching import running_supervisor
from vconsole.cli.watching.since import parse_since
from vconsole.supervisor.client import SupervisorUnreachableError
from vconsole.supervisor.queries import LONGEST_WAIT_S, MOST_EVENTS, known_kinds
from vconsole.supervisor.telling.event import Event, EventQuery, Severity

SYMBOLS = {Severity.INFO: "·", Severity.WARNING: "▲", Severity.ERROR: "✕"}
RETRY_S = 1.0


@click.command(epilog="Example: vconsole events --since 2h --kind crash --kind restart -f")
@click.option("--since", metavar="T", help="Start at: 2h (ago), 3d, 2026-11-23, an RFC 3339 time.")
@click.option(
    "-f", "--follow", is_flag=True, help="Keep printing as they happen, until interrupted."
)
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only this kind; repeatable.")
@any_server
@click.option(
    "-n",
    "lines",
    type=click.IntRange(0, MOST_EVENTS),
    metavar="N",
    help="At most N events.  [default: 200]",
)
@json_output
def events(
    since: str | None,
    follow: bool,
    kinds: tuple[str, ...],
    name: str | None,
    lines: int | None,
    as_json: bool,
) -> None:
    """Print what happened on this machine, oldest first."""
    at = parse_since(since, datetime.now(UTC)) if since else None
    limit = lines if lines is not None else MOST_EVENTS if since else 200
    query = EventQuery(at, known_kinds(kinds), name, limit=limit)
    found = _followed(query) if follow else find_events(query)
    if not found and not as_json:
        say("no events yet" if query == EventQuery(limit=limit) else "no such events")
    for event in found:
        if as_json:
            print_json(event)
        else:
            click.echo(event_line(event))


def find_events(query: EventQuery) -> tuple[Event, ...]:
    """What is kept, whether a supervisor runs or not."""
    if client := running_supervisor():
        return client.events(query)
    from vconsole.supervisor.memory.stored import stored_events

    return stored_events(query)


def event_line(event: Event) -> str:
    """One line for people, in local time."""
    at = event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    server = event.server or "-"
    return f"{at} {SYMBOLS[event.severity]} {event.kind:<12}{server:<12} {event.text}"


def _followed(query: EventQuery) -> Iterator[Event]:
    """What is kept, then what comes; a supervisor that goes away is waited for."""
    newest = find_events(EventQuery(limit=1))
    kept = find_events(query)
    yield from kept
    last = max((event.id for event in (*newest, *kept)), default=0)
    while True:
        for event in _next(replace(query, after_id=last, limit=MOST_EVENTS)):
            last = event.id
            yield event


def _next(query: EventQuery) -> Iterable[Event]:
    try:
        if client := running_supervisor():
            return client.events(query, LONGEST_WAIT_S)
    except SupervisorUnreachableError:
        pass
    time.sleep(RETRY_S)
    return ()
