"""When an action can be carried out: each function gives the reason why not, or None."""

from __future__ import annotations

from collections.abc import Callable

from vconsole.supervisor.model import ServerState
from vconsole.tui.advice.acting import advised
from vconsole.tui.view import Link, View

Availability = Callable[[View], str | None]
STARTABLE = frozenset({ServerState.STOPPED, ServerState.FAILED})
STOPPABLE = frozenset(ServerState) - {ServerState.STOPPED, ServerState.STOPPING}


def can_do_as_advised(view: View) -> str | None:
    if (reason := stoppable(view)) is not None:
        return reason
    return None if advised(view) else "no hint can be acted on right now"


def always(view: View) -> str | None:
    return None


def live(view: View) -> str | None:
    if view.link is Link.CONNECTING:
        return "the supervisor has not answered yet"
    return "no supervisor answers" if view.link is Link.LOST else None


def startable(view: View) -> str | None:
    if (reason := live(view)) is not None:
        return reason
    if view.operation is not None:
        return f"a {view.operation.kind} is going on"
    if view.state not in STARTABLE:
        return f"the server is {view.state}"
    return None


def stoppable(view: View) -> str | None:
    if (reason := live(view)) is not None:
        return reason
    if view.state not in STOPPABLE:
        return "the server is stopping already" if view.state else "nothing runs"
    return None


def nothing_or_stoppable(view: View) -> str | None:
    if view.state is ServerState.STOPPED and view.link is Link.LIVE:
        return "nothing runs"
    return stoppable(view)


def ready(view: View) -> str | None:
    if (reason := live(view)) is not None:
        return reason
    return None if view.state is ServerState.READY else "the server is not ready"


def swappable(view: View) -> str | None:
    if (reason := ready(view)) is not None:
        return reason
    return f"a {view.operation.kind} is going on" if view.operation else None


def failed(view: View) -> str | None:
    if view.state is not ServerState.FAILED:
        return "the server has not failed"
    return startable(view)


def can_halve_cache(view: View) -> str | None:
    return failed(view) or _way_out(view, "fp8", "an fp8 KV cache would not help")


def can_fall_back(view: View) -> str | None:
    return failed(view) or _way_out(view, "fallback", "the profile names no fallback")


def _way_out(view: View, kind: str, otherwise: str) -> str | None:
    failure = view.server.last_failure if view.server else None
    ways = failure.ways_out if failure else ()
    return None if any(way.kind == kind for way in ways) else otherwise


def ran(view: View) -> str | None:
    if (reason := heard(view)) is not None:
        return reason
    return None if view.server and view.server.command else "no server ran yet"


def failure_line(view: View) -> str | None:
    failure = view.server.last_failure if view.server else None
    return None if failure and failure.evidence_line else "no failure points into the log"


def heard(view: View) -> str | None:
    return None if view.status else "the supervisor has not answered yet"


def lost(view: View) -> str | None:
    return None if view.link is Link.LOST else "the supervisor answers"


def several(view: View) -> str | None:
    return None if view.others else "there is no other server"


def smoked(view: View) -> str | None:
    return None if view.status and view.status.smoke else "there was no smoke test yet"


def has_log(view: View) -> str | None:
    return None if view.log_path else "there is no log yet"


def has_url(view: View) -> str | None:
    return None if view.server and view.server.url else "there is no server to copy the URL of"
