"""An engine that takes its time: its worker is halted most of the while.

On a busy machine vLLM hands out what it has generated only once it has nothing more to do, so that
a short answer comes in one piece and nobody can leave in the midst of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

from tests.support.home import Home, wait_until

RUNS_S, RESTS_S = 0.004, 0.04


@contextlib.contextmanager
def slowed(home: Home, name: str = "main") -> Iterator[None]:
    """Within the block the server `name` has a tenth of its speed; afterwards all of it again."""
    worker = _worker_of(home, name)
    over = threading.Event()

    def take_turns() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.is_set():
                os.kill(worker, signal.SIGSTOP)
                over.wait(RESTS_S)
                os.kill(worker, signal.SIGCONT)
                over.wait(RUNS_S)

    turns = threading.Thread(target=take_turns)
    turns.start()
    try:
        yield
    finally:
        over.set()
        turns.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)
    # Its supervisor may have seen it halted.
    wait_until("it goes on", lambda: home.status(name)["server"]["state"] != "stalled", 60)


def _worker_of(home: Home, name: str) -> int:
    title = f"VC-{name}::Worker"
    found = [process.pid for process in home.processes() if title in " ".join(process.cmdline())]
    assert len(found) == 1, found
    return found[0]
