"""The hint under the panels: what is so, and which key acts on it. Arithmetic, not a guess.

Rules are tried in order; the first that speaks is shown, as its sentences in at most two lines.
"""

from __future__ import annotations

from collections.abc import Callable

from vconsole.engine.metrics.figures import Metrics
from vconsole.supervisor.model import Advice, ServerState
from vconsole.tui.actions import BY_ID, Action, key_name
from vconsole.tui.advice.acting import RAISE, advised
from vconsole.tui.drawing import figures
from vconsole.tui.view import Link, View

Hint = tuple[str, ...]
Rule = Callable[[View], Hint | None]
DO_AS_ADVISED = "overview.advice"
# Where what cannot be done at once is done: a batch sends as much as one likes.
ELSEWHERE = {RAISE: "screen.batch"}


def advise(view: View) -> Hint:
    """The sentences for the present state; the first says the most."""
    for rule in RULES:
        if (found := rule(view)) is not None:
            return found
    return ()


def _connecting(view: View) -> Hint | None:
    return ("One moment: asking the supervisor.",) if view.link is Link.CONNECTING else None


def _lost(view: View) -> Hint | None:
    if view.link is not Link.LOST:
        return None
    if view.status is None:
        return ("Press c to try again, q to leave.",)
    return (
        "Press c to bring the supervisor back; it finds the server again.",
        "A server that was running keeps serving.",
    )


def _stopped(view: View) -> Hint | None:
    if view.state is not ServerState.STOPPED:
        return None
    if view.status and view.status.engine is None:
        return ("Press q to leave, then bring a vLLM with one of the commands above.",)
    return (f"Press s to start {view.model or 'a model'}.",)


def _starting(view: View) -> Hint | None:
    if view.state not in (ServerState.STARTING, ServerState.BACKOFF):
        return None
    return ("It continues when you leave. Press 6 for the whole log, S to give up the start.",)


def _stopping(view: View) -> Hint | None:
    if view.state is not ServerState.STOPPING:
        return None
    return ("Stopping: requests in flight may finish, then every process is shown to be gone.",)


def _failed(view: View) -> Hint | None:
    server = view.server
    if server is None or server.state is not ServerState.FAILED:
        return None
    failure = server.last_failure
    keys = "Press r to start again"
    if failure and failure.evidence_line:
        keys += f", l to see line {failure.evidence_line} of the log"
    return (keys + ".",)


def _stalled(view: View) -> Hint | None:
    if view.state is not ServerState.STALLED:
        return None
    return ("Requests run, yet no token comes. Press 6 for the log, R to restart.",)


def _stale(view: View) -> Hint | None:
    metrics = _metrics(view)
    if metrics is None or (metrics.sample_age_s or 0) < 5:
        return None
    return (f"The server has not told its figures for {figures.age(metrics.sample_age_s or 0)}.",)


def _limited(view: View) -> Hint | None:
    """What the supervisor's rules say: the first at length, then the others in a line each."""
    if not view.advice:
        return None
    first, *others = view.advice
    helps = _helps(first, view)
    rest = (f"{one.text} {_helps(one, view)}".rstrip() for one in others)
    if not first.remedy:
        return (f"{first.text} {helps}".rstrip(), *rest)
    return (first.text, helps, *rest)


def _helps(one: Advice, view: View) -> str:
    """What helps, and the key, where one acts on it here and now."""
    return " ".join(part for part in (one.remedy, _key(one, view)) if part)


def _key(one: Advice, view: View) -> str | None:
    wanted = DO_AS_ADVISED if one == advised(view) else one.action
    action = BY_ID.get(ELSEWHERE.get(wanted or "", wanted or ""))
    if action is None or not action.keys or action.reason(view) is not None:
        return None
    if action.id == "server.restart":
        return None  # it would start again as it is
    return f"Press {key_name(action.keys[0])} to {_deed(action)}."


def _deed(action: Action) -> str:
    return f"see {action.label}" if action.group == "Screens" else action.label


def _idle(view: View) -> Hint | None:
    metrics = _metrics(view)
    if view.state is not ServerState.READY:
        return None
    if metrics and (metrics.requests_running or metrics.requests_waiting):
        return None
    keys = "Idle and ready. Press 3 to ask it something, t to test it, y to copy its URL."
    return (keys, *(_limited(view) or ()))


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
    _idle,
    _limited,
)
