"""What the supervisor costs at rest, and how soon it is done: stops and adoptions."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, cpu_percent
from tests.support.beside import beside
from tests.support.home import wait_until
from vconsole.supervisor.client import SupervisorUnreachableError
from vconsole.supervisor.model import ServerState

REST_S = 30.0
WATCHED_S = 10.0
ADOPTIONS = 5
STOPS = 2
POLL_S = 0.005
MEMORY_GOAL_MB, CPU_GOAL_PERCENT = 80.0, 1.0
STOP_GOAL_S, ADOPTION_GOAL_S = 1.0, 1.0


def measure(ground: Ground) -> Table:
    """At rest with a ready server, then killed and started again, then stopping it."""
    ground.serve()
    figures = [*_at_rest(ground), _adoption(ground)]
    begun_s = [_stop(ground)]
    for _ in range(STOPS - 1):
        ground.start()
        begun_s.append(_stop(ground))
    ground.start()
    return Table(
        "supervisor",
        f"one ready server, one beat a second; CPU over {REST_S:.0f} s of rest; adoption from the "
        "spawn after kill -9 until status says ready and adopted",
        (
            *figures,
            Figure("stop done after the last process's end", "s", tuple(begun_s), STOP_GOAL_S),
        ),
    )


def _at_rest(ground: Ground) -> list[Figure]:
    process = ground.supervisor
    rest = tuple(cpu_percent(process.pid, REST_S / 3) for _ in range(3))
    with _a_watcher(ground):
        watched = cpu_percent(process.pid, WATCHED_S)
    resident_mb = process.memory_info().rss / 1e6
    return [
        Figure("resident memory", "MB", (resident_mb,), MEMORY_GOAL_MB),
        Figure("CPU at rest", "% of a core", rest, CPU_GOAL_PERCENT),
        Figure("CPU with one console attached", "% of a core", (watched,)),
    ]


@contextmanager
def _a_watcher(ground: Ground) -> Iterator[None]:
    """A client that reads every snapshot while the block runs."""

    def watch(over: threading.Event) -> None:
        for _ in ground.client().watch():
            if over.is_set():
                return

    with beside(watch):
        yield


def _adoption(ground: Ground) -> Figure:
    seconds = []
    for _ in range(ADOPTIONS):
        process = ground.supervisor
        process.kill()
        wait_until("the killed supervisor is gone", lambda p=process: not _runs(p))
        seconds.append(_until_adopted(ground))
    return Figure("adoption after kill -9", "s", tuple(seconds), ADOPTION_GOAL_S)


def _until_adopted(ground: Ground) -> float:
    """Seconds from the spawn, as an autostart spawns it, to a status that says adopted."""
    log = Path(ground.home.root) / "supervisor.log"
    begun_s = time.perf_counter()
    with log.open("ab") as output:
        subprocess.Popen(
            ground.python("-m", "vconsole.supervisor"),
            env=ground.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    wait_until("the server is adopted", lambda: _is_adopted(ground))
    return time.perf_counter() - begun_s


def _is_adopted(ground: Ground) -> bool:
    try:
        server = ground.client().status().server
    except SupervisorUnreachableError:
        return False
    return server.adopted and server.state is ServerState.READY


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _stop(ground: Ground) -> float:
    """Seconds from the end of the last process, seen by our own means, to the stop's end."""
    supervisor = ground.supervisor.pid
    tree = [p for p in ground.home.processes() if p.pid != supervisor]
    client = ground.client()
    client.stop("main")
    last_end_s = 0.0
    while any(_runs_now(p) for p in tree):
        time.sleep(POLL_S)
    last_end_s = time.perf_counter()
    wait_until("the server is stopped", lambda: client.server("main").state is ServerState.STOPPED)
    return time.perf_counter() - last_end_s


def _runs_now(process: psutil.Process) -> bool:
    try:
        return _runs(process)
    except psutil.NoSuchProcess:
        return False
