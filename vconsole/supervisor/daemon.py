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
from vconsole.host.service import credentials
from vconsole.host.service.notify import Notifier
from vconsole.host.service.plan import LEFT_SERVERS_RUNNING
from vconsole.supervisor.api import build_app, build_scrape_app
from vconsole.supervisor.core import Supervisor
from vconsole.supervisor.unit import handover, occasion
from vconsole.supervisor.unit.serving import Serving

SOCKET_CHECK_S = 2.0
log = logging.getLogger(__name__)


def run(profile: str | None = None) -> int:
    """Run until a signal, a request or idleness ends it; only one runs for a state folder.

    With a `profile` it is a service: it serves that, and a signal ends the servers too. Returns
    the exit status.
    """
    paths.private_folder(paths.state_dir())
    if profile is None:
        with only_one():
            return asyncio.run(_serve(None, Notifier()))
    os.environ.update(credentials.given())
    os.environ.pop("CREDENTIALS_DIRECTORY", None)
    handover.take_over()
    with only_one():
        return asyncio.run(_serve(profile, Notifier()))


@contextlib.contextmanager
def only_one() -> Iterator[None]:
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


async def _serve(profile: str | None, notifier: Notifier) -> int:
    supervisor = Supervisor(is_service=profile is not None)
    serving = Serving(supervisor, profile, notifier) if profile is not None else None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.told_to_leave)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    runner = web.AppRunner(build_app(supervisor), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    path = paths.checked_socket_path()
    try:
        await asyncio.gather(supervisor.learn_outlook(), supervisor.adopt_all())
        async with _beating(supervisor), _serving(serving), _scrapable(supervisor):
            await _stay(supervisor, runner, path)
        if serving:
            serving.say_leaving()
        if supervisor.stop_servers:
            await supervisor.stop_all()
        if serving and supervisor.stop_servers:
            await asyncio.to_thread(occasion.leave, occasion.Mark.LEFT)
    finally:
        await runner.cleanup()
        await supervisor.close()
        path.unlink(missing_ok=True)
    return _exit_status(supervisor, serving)


def _exit_status(supervisor: Supervisor, serving: Serving | None) -> int:
    """What the unit goes by: see `SuccessExitStatus` and `RestartPreventExitStatus` there."""
    if serving is None or supervisor.stop_servers:
        return 0
    return serving.exit_status or LEFT_SERVERS_RUNNING


@contextlib.asynccontextmanager
async def _serving(serving: Serving | None) -> AsyncIterator[None]:
    """The service that we are, if we are one. Should it break off, the watchdog ends us."""
    keeping = asyncio.create_task(serving.keep()) if serving else None
    try:
        yield
    finally:
        if keeping:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


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


@contextlib.asynccontextmanager
async def _scrapable(supervisor: Supervisor) -> AsyncIterator[None]:
    """Our metrics on a loopback port, where the settings name one; a taken port is only told."""
    port = settings_module.load().monitoring.port
    runner = web.AppRunner(build_scrape_app(supervisor), access_log=None, shutdown_timeout=1.0)
    try:
        if port:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            log.info("metrics on http://127.0.0.1:%d/metrics", port)
    except OSError as error:
        log.error("no metrics on port %d: %s", port, error)
    try:
        yield
    finally:
        await runner.cleanup()


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
            site = await _listen(runner, path, supervisor.shared_with is not None)
            inode = await asyncio.to_thread(_inode, path)
        if supervisor.owns_something or supervisor.watched or supervisor.stays:
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


async def _listen(runner: web.AppRunner, path: Path, shared: bool) -> web.UnixSite:
    """Where it is shared everybody may connect, and each request is judged by who asks."""
    await asyncio.to_thread(path.unlink, missing_ok=True)
    before = os.umask(0o111 if shared else 0o177)
    try:
        site = web.UnixSite(runner, str(path))
        await site.start()
    finally:
        os.umask(before)
    log.info("listening on %s", path)
    return site
