"""Spawning a server's process tree, and ending it for good.

A tree gets a session of its own and writes to a file, so that it needs nobody to live on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vconsole.errors import VConsoleError
from vconsole.supervisor.processes import scope, tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.record import Run

POLL_S = 0.05
# vLLM gives its own children this long after the drain before it kills them itself.
AFTER_DRAIN_S = 10.0
AFTER_TERM_S = 15.0
AFTER_KILL_S = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a tree came to its end: each rung that was needed, and who is left."""

    rungs: tuple[str, ...]
    survivors: frozenset[ProcessId]
    seconds: float


def spawn(
    command: tuple[str, ...],
    environment: Mapping[str, str],
    log_file: Path,
    folder: Path,
    inherited: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` as the leader of a new session, output appended to `log_file` (0600).

    The descriptors in `inherited` stay open in it.
    """
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            pass_fds=inherited,
        )
    except OSError as error:
        raise VConsoleError(
            f"cannot run {command[0]}: {error.strerror}",
            "see `vconsole engine status`; `vconsole engine install` repairs an engine",
        ) from error
    finally:
        os.close(descriptor)


def bind(host: str, port: int) -> socket.socket:
    """A socket bound there as vLLM binds its own: a port in TIME_WAIT counts as free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def port_is_free(host: str, port: int) -> bool:
    """Whether vLLM could bind there now."""
    try:
        bind(host, port).close()
    except OSError:
        return False
    return True


async def until_port_free(host: str, port: int) -> None:
    """Wait for a port that our own server let go of; another's may have it by then."""
    for _ in range(100):
        if port_is_free(host, port):
            return
        await asyncio.sleep(POLL_S)
    log.warning("port %d on %s is taken by somebody else", port, host)


def members(
    leader: ProcessId, known: frozenset[ProcessId], foreign: bool = False
) -> frozenset[ProcessId]:
    """Everything of a tree that lives: its session, and what was recorded of it.

    The session of a tree that we did not start is its user's: there it is only what was recorded,
    and what that started.
    """
    if foreign:
        return tree.descendants(known)
    return tree.session_members(leader) | tree.living(known)


async def end_run(run: Run, drain_s: float, reap: Callable[[], object]) -> Ending:
    """End the tree of a recorded run, as `end_tree` does."""
    known = frozenset(run.tree)
    return await end_tree(run.leader, known, run.tag, drain_s, reap, run.foreign, run.cgroup)


async def end_tree(
    leader: ProcessId,
    known: frozenset[ProcessId],
    tag: str,
    drain_s: float,
    reap: Callable[[], object],
    foreign: bool = False,
    cgroup: str | None = None,
) -> Ending:
    """End a tree, mildest first, and do not return before it is gone or nothing helps.

    With `drain_s` above 0 the API server alone is asked first, so that requests in flight finish;
    then the whole session, then every recorded or tagged process and all of the scope whose
    `cgroup` is given. `reap` collects our own child.
    Of a `foreign` tree nothing is touched but what was recorded and what that started.
    """
    started = time.monotonic()
    rungs: list[str] = []

    def living() -> frozenset[ProcessId]:
        return members(leader, known, foreign) | scope.members(cgroup, tag)

    async def remaining() -> frozenset[ProcessId]:
        return living() if foreign else living() | await asyncio.to_thread(tree.tagged, tag)

    known = known | living()

    async def gone_within(seconds: float) -> bool:
        return await _gone_within(living, seconds, reap)

    if drain_s > 0 and tree.send(leader, signal.SIGTERM):
        for process in sorted(living()):
            tree.send(process, signal.SIGCONT)
        rungs.append("drain")
        await gone_within(drain_s + AFTER_DRAIN_S)
    for name, number, patience_s in (
        ("terminate", signal.SIGTERM, AFTER_TERM_S),
        ("kill", signal.SIGKILL, AFTER_KILL_S),
    ):
        left = await remaining()
        if not left:
            break
        known |= left
        rungs.append(name)
        for process in sorted(left):
            tree.send(process, number)
            # What somebody halted cannot take a request to end.
            tree.send(process, signal.SIGCONT)
        await gone_within(patience_s)
    survivors = await remaining()
    seconds = time.monotonic() - started
    log.info(
        "tree of %d ended after %.2f s by %s", leader.pid, seconds, ", ".join(rungs) or "itself"
    )
    return Ending(tuple(rungs), survivors, seconds)


async def _gone_within(
    living: Callable[[], frozenset[ProcessId]], seconds: float, reap: Callable[[], object]
) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reap()
        if not living():
            return True
        await asyncio.sleep(POLL_S)
    return False


def describe(survivors: frozenset[ProcessId]) -> str:
    """The pids that are left, with the kernel's word for why they may not go."""
    words = []
    for process in sorted(survivors):
        letter = tree.state_letter(process)
        stuck = " (stuck in the kernel, state D: only a reboot ends it)" if letter == "D" else ""
        words.append(f"{process.pid}{stuck}")
    return ", ".join(words)
