"""What to do with a request that brought no good answer: again, at once or later, or never."""

from __future__ import annotations

import random
from dataclasses import dataclass

from vconsole.requests.batch.answers import Failure
from vconsole.requests.transport import Fault, Response, TransportError

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 30.0
SHORTEST_AFTER_END_S = 0.5
# A request that is there each time the server breaks may be what breaks it.
MOST_ATTEMPTS = {
    Fault.BROKEN: 6,
    Fault.TIMEOUT: 3,
    Fault.NONSENSE: 4,
}
SERVER_ERROR_ATTEMPTS = 4
BUSY = frozenset({429, 503})
# A 500 of vLLM 0.32 whose engine is going or gone: v1/engine/exceptions.py, and asyncio's own words
# out of its tokenizer threads while it shuts down.
GONE_MARKS = (
    b"EngineCore encountered an issue",
    b"cannot schedule new futures after shutdown",
    b"Server shutting down",
)
RETRIED = frozenset({408, 409, 425, 500, 502, 504})


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after `wait_s`; `server_lost` means once the server is there again.

    `counts` is whether it is held against the request.
    """

    wait_s: float = 0.0
    counts: bool = True
    server_lost: bool = False


def after_fault(error: TransportError, attempts: int) -> Again | Failure:
    """`attempts` is how many were held against the request before this one."""
    if error.fault is Fault.UNREACHABLE:
        return Again(counts=False, server_lost=True)
    if error.fault is Fault.DROPPED:
        return Again(counts=False)
    if attempts + 1 >= MOST_ATTEMPTS[error.fault]:
        return Failure(error.fault.value, error.message)
    return Again(backoff_s(attempts), server_lost=error.fault is Fault.BROKEN)


def is_going(response: Response) -> bool:
    """Whether the refusal only says that the server's engine is going or gone."""
    return response.status == 500 and any(mark in response.body for mark in GONE_MARKS)


def after_engine_end(attempts: int, busy_times: int, *, counted: bool) -> Again | Failure:
    """The engine ended under the request; `counted` is whether this very end counts already."""
    if attempts + (not counted) >= MOST_ATTEMPTS[Fault.BROKEN]:
        return Failure("server_died", "the server died again and again while it had this request")
    wait_s = max(SHORTEST_AFTER_END_S, backoff_s(busy_times))
    return Again(wait_s, counts=not counted, server_lost=True)


def after_refusal(response: Response, attempts: int, busy_times: int) -> Again | Failure:
    """A busy server is asked again for as long as it takes; an error of its own a few times."""
    status = response.status
    if status in BUSY:
        wait_s = response.retry_after_s or backoff_s(busy_times)
        return Again(min(wait_s, LONGEST_WAIT_S), counts=False)
    if status in RETRIED and attempts + 1 < SERVER_ERROR_ATTEMPTS:
        return Again(backoff_s(attempts))
    return Failure.refused(status, response.body)


def backoff_s(attempts: int) -> float:
    """Doubling, with half of it left to chance so that not all come back at once."""
    full_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts, 10))
    return full_s * (0.5 + random.random() / 2)
