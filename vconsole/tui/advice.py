"""The hint under the panels: what is so, and which key acts on it. Arithmetic, not a guess.

Rules are tried in order; the first that speaks is shown, as its sentences in at most two lines.
"""

from __future__ import annotations

from collections.abc import Callable

from vconsole.engine.metrics import Metrics
from vconsole.supervisor.model import ServerState
from vconsole.tui import figures
from vconsole.tui.view import Link, View

Advice = tuple[str, ...]
Rule = Callable[[View], Advice | None]
KV_NEARLY_FULL = 0.9
KV_ROOMY = 0.7


def advise(view: View) -> Advice:
    """The sentences for the present state; the first says the most."""
    for rule in RULES:
        if (found := rule(view)) is not None:
            return found
    return ()


def _connecting(view: View) -> Advice | None:
    return ("One moment: asking the supervisor.",) if view.link is Link.CONNECTING else None


def _lost(view: View) -> Advice | None:
    if view.link is not Link.LOST:
        return None
    if view.status is None:
        return ("Press c to try again, q to leave.",)
    return (
        "Press c to bring the supervisor back; it finds the server again.",
        "A server that ran goes on serving meanwhile.",
    )


def _stopped(view: View) -> Advice | None:
    if view.state is not ServerState.STOPPED:
        return None
    if view.status and view.status.engine is None:
        return ("Press q to leave, then bring a vLLM with one of the commands above.",)
    return (f"Press s to start {view.model or 'a model'}.",)


def _starting(view: View) -> Advice | None:
    if view.state not in (ServerState.STARTING, ServerState.BACKOFF):
        return None
    return ("It goes on when you leave. Press 6 for the whole log, S to give up the start.",)


def _stopping(view: View) -> Advice | None:
    if view.state is not ServerState.STOPPING:
        return None
    return ("Stopping: requests in flight may finish, then every process is shown to be gone.",)


def _failed(view: View) -> Advice | None:
    server = view.server
    if server is None or server.state is not ServerState.FAILED:
        return None
    failure = server.last_failure
    keys = "Press r to start again"
    if failure and failure.evidence_line:
        keys += f", l to see line {failure.evidence_line} of the log"
    return (keys + ".",)


def _stalled(view: View) -> Advice | None:
    if view.state is not ServerState.STALLED:
        return None
    return ("Requests run, yet no token comes. Press 6 for the log, R to restart.",)


def _stale(view: View) -> Advice | None:
    metrics = _metrics(view)
    if metrics is None or (metrics.sample_age_s or 0) < 5:
        return None
    return (f"The server has not told its figures for {figures.age(metrics.sample_age_s or 0)}.",)


def _full(view: View) -> Advice | None:
    metrics = _metrics(view)
    if metrics is None or metrics.kv_cache_usage is None or not metrics.requests_waiting:
        return None
    if metrics.kv_cache_usage < KV_NEARLY_FULL:
        return None
    return (
        f"The KV cache is {figures.percent(metrics.kv_cache_usage)} full and"
        f" {figures.plural(metrics.requests_waiting, 'request')} wait for room.",
        "Send fewer at once, or give the server a shorter context or more memory.",
    )


def _queueing(view: View) -> Advice | None:
    metrics = _metrics(view)
    if metrics is None or not metrics.requests_waiting:
        return None
    waiting, running = metrics.requests_waiting, metrics.requests_running or 0
    return (f"{figures.count(waiting)} wait while {figures.count(running)} run.",)


def _roomy(view: View) -> Advice | None:
    metrics = _metrics(view)
    if metrics is None or not metrics.requests_running or metrics.kv_cache_usage is None:
        return None
    if metrics.kv_cache_usage > KV_ROOMY:
        return None
    return (
        f"Room to spare: {figures.count(metrics.requests_running)} run, none waits,"
        f" KV {figures.percent(metrics.kv_cache_usage)}. Send more at once.",
    )


def _idle(view: View) -> Advice | None:
    if view.state is not ServerState.READY:
        return None
    return ("Idle and ready. Press 3 to ask it something, t to test it, y to copy its URL.",)


def _metrics(view: View) -> Metrics | None:
    ready = view.state is ServerState.READY and view.status is not None
    return view.status.metrics if ready and view.status else None


RULES: tuple[Rule, ...] = (
    _connecting,
    _lost,
    _stopped,
    _starting,
    _stopping,
    _failed,
    _stalled,
    _stale,
    _full,
    _queueing,
    _roomy,
    _idle,
)
