"""The table of legal transitions between the states of a server."""

from __future__ import annotations

from vconsole.supervisor.model import ServerState

S = ServerState

LEGAL: dict[ServerState, frozenset[ServerState]] = {
    # To backoff after a reboot, when what was wanted is about to come back; to failed where that
    # could not even be tried.
    S.STOPPED: frozenset({S.STARTING, S.READY, S.BACKOFF, S.FAILED}),
    S.STARTING: frozenset({S.READY, S.STOPPING, S.FAILED, S.BACKOFF}),
    S.READY: frozenset({S.STALLED, S.STOPPING, S.FAILED, S.BACKOFF}),
    S.STALLED: frozenset({S.READY, S.STOPPING, S.FAILED, S.BACKOFF}),
    S.STOPPING: frozenset({S.STOPPED, S.FAILED, S.ASLEEP}),
    S.BACKOFF: frozenset({S.STARTING, S.STOPPED, S.FAILED}),
    # To ready also where a swap wakes a model.
    S.FAILED: frozenset({S.STOPPED, S.STARTING, S.STOPPING, S.READY}),
    # The model that served sleeps, and no other serves yet.
    S.ASLEEP: frozenset({S.READY, S.STARTING, S.STOPPED, S.FAILED}),
}

RUNNING = frozenset({S.STARTING, S.READY, S.STALLED, S.STOPPING})


def is_legal(before: ServerState, after: ServerState) -> bool:
    return after in LEGAL[before]
