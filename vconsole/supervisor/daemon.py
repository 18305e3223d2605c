"""The supervisor as a process: lock, socket, signals, and leaving when there is nothing to do."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from aiohttp import web

from vconsole import paths
from vconsole import settings as settings_module
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import systemd
from vconsole.supervisor.api import build_app
from vconsole.supervisor.core import Supervisor

SOCKET_CHECK_S = 2.0
log = logging.getLogger(__name__)


def run() -> None:
    """Run until a signal, a request or idleness ends it; only one runs for a state folder."""
    paths.private_folder(paths.state_dir())
    with _only_one():
        asyncio.run(_serve())


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Hold the lock as long as we live; the kernel lets go of it whatever ends us."""
    descriptor = os.open(paths.lock_path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VConsoleError(
                f"another supervisor runs already (lock {paths.lock_path()})",
                "`vconsole supervisor status` names it",
                ExitCode.REFUSED,
                kind="already_running",
            ) from error
        # The pid is for people to read; on a full disk the lock does without.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


async def _serve() -> None:
    supervisor = Supervisor()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.leaving.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    runner = web.AppRunner(build_app(supervisor), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    path = checked_socket_path()
    try:
        await asyncio.gather(supervisor.learn_outlook(), supervisor.adopt_all())
        async with _beating(supervisor):
            await _stay(supervisor, runner, path)
        if supervisor.stop_servers:
            await supervisor.stop_all()
    finally:
        await runner.cleanup()
        await supervisor.close()
        path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def _beating(supervisor: Supervisor) -> AsyncIterator[None]:
    """The pulse, which has stopped before anything that it reads is closed."""
    beat = asyncio.create_task(_beat(supervisor))
    try:
        yield
    finally:
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat


async def _beat(supervisor: Supervisor) -> None:
    """Keep the pulse: a beat that breaks off is told in the log, and the next one comes."""
    while not supervisor.leaving.is_set():
        beating = asyncio.create_task(supervisor.beat_forever())
        try:
            await asyncio.wait([beating])
        finally:
            beating.cancel()
        if beating.done() and not beating.cancelled() and (error := beating.exception()):
            log.error("a beat broke off", exc_info=error)
            await asyncio.sleep(1.0)


async def _stay(supervisor: Supervisor, runner: web.AppRunner, path: Path) -> None:
    """Keep the socket there (a cleaner of old files may take it) until it is time to leave."""
    idle_exit_s = settings_module.load().supervisor.idle_exit_s
    site: web.UnixSite | None = None
    busy_s = time.monotonic()
    inode: int | None = None
    while not supervisor.leaving.is_set():
        if inode is None or inode != await asyncio.to_thread(_inode, path):
            if site:
                await site.stop()
            site = await _listen(runner, path)
            inode = await asyncio.to_thread(_inode, path)
        if supervisor.owns_something or supervisor.watched or systemd.runs_us():
            busy_s = time.monotonic()
        if time.monotonic() - busy_s > idle_exit_s:
            log.info("nothing to own and nobody watching for %d s: leaving", idle_exit_s)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(supervisor.leaving.wait(), SOCKET_CHECK_S)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


async def _listen(runner: web.AppRunner, path: Path) -> web.UnixSite:
    await asyncio.to_thread(path.unlink, missing_ok=True)
    before = os.umask(0o177)
    try:
        site = web.UnixSite(runner, str(path))
        await site.start()
    finally:
        os.umask(before)
    log.info("listening on %s", path)
    return site


def checked_socket_path() -> Path:
    """The socket's path, refused with a remedy where the kernel would not take it."""
    path = paths.socket_path()
    if len(os.fsencode(path)) > paths.SOCKET_PATH_LIMIT_BYTES:
        raise VConsoleError(
            f"the socket's path is longer than {paths.SOCKET_PATH_LIMIT_BYTES} bytes: {path}",
            "set VCONSOLE_SOCKET to a shorter one, in a folder that only you can enter",
            ExitCode.USAGE,
        )
    return path
