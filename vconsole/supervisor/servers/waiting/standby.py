"""A standby: a process of the engine that has imported everything and becomes the next server.

It is spawned as a server is, in a session of its own and with its tag, so that all that proves
whose a server is holds for it, too; only its command line comes later. It serves one start.
Whatever is odd about it, the start is a cold one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.processes import process, tree
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts import launch as launching
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

# What a server reads late enough to be told it when it begins; all else has to be as it was.
TOLD_LATE = frozenset(
    {"VLLM_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "VLLM_CPU_KVCACHE_SPACE"}
)
# Room for the title of the server that it becomes.
TITLE_ROOM = "-" * 2000
LARGEST_WORD_BYTES = 4096
IMPORT_PATIENCE_S = 300.0
log = logging.getLogger(__name__)


class Standby:
    """One waiting process; `ready_s` is None until it waits, `odd` says why it never will."""

    def __init__(
        self,
        tag: str,
        engine: tuple[str, str | None],
        environment: Mapping[str, str],
        child: subprocess.Popen[bytes],
        channel: socket.socket,
    ) -> None:
        self.tag = tag
        self.odd: str | None = None
        self.ready_s: float | None = None
        self._engine = engine
        self._environment = environment
        self._child = child
        self._channel = channel
        self._begun_s = time.monotonic()

    @classmethod
    def spawn(cls, name: str, like: Launch, given: Mapping[str, str]) -> Standby:
        """Begin one for the engine and the environment of `like`, a server that runs."""
        tag = f"{name}-{secrets.token_hex(6)}"
        environment = launching.server_environment(like, given, tag, name)
        told = {key: value for key, value in environment.items() if key not in TOLD_LATE}
        if like.engine_device == "cpu":
            # No pool of threads may be there before the engine is forked.
            told["OMP_NUM_THREADS"] = "1"
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            python = Path(like.command[0]).parent / "python"
            script = paths.resources_dir() / "standby.py"
            command = (str(python), str(script), str(its.fileno()), TITLE_ROOM)
            folder = paths.server_dir(name)
            child = process.spawn(command, told, folder / "standby.log", folder, (its.fileno(),))
        except VConsoleError:
            ours.close()
            raise
        finally:
            its.close()
        ours.setblocking(False)
        return cls(tag, (like.command[0], like.engine_version), environment, child, ours)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory, None where it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return None

    async def until_ready(self) -> bool:
        """Whether it waits now; False where it ended, is odd, or takes for ever."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(IMPORT_PATIENCE_S):
                word = json.loads(await loop.sock_recv(self._channel, LARGEST_WORD_BYTES) or b"{}")
        except (OSError, TimeoutError, json.JSONDecodeError) as error:
            word = {"odd": str(error) or "it does not come to an end of its imports"}
        if word.get("ready"):
            self.ready_s = time.monotonic() - self._begun_s
            return True
        self.odd = str(word.get("odd") or "it ended by itself")
        return False

    def refuses(self, prepared: PreparedLaunch, wanted: Mapping[str, str]) -> str | None:
        """Why this start has to be a cold one, None where it can be this one's."""
        plan = prepared.launch
        if self.ready_s is None or self._child.poll() is not None:
            return self.odd or "it is not ready yet"
        if (plan.command[0], plan.engine_version) != self._engine:
            return "the engine is another one"
        if plan.command[1:2] != ("serve",) or plan.folder:
            return "the command line is not of vconsole's making"
        differing = [
            key
            for key in {*wanted, *self._environment}
            if key not in TOLD_LATE and wanted.get(key) != self._environment.get(key)
        ]
        return f"it has another environment ({', '.join(sorted(differing))})" if differing else None

    def begin(
        self, plan: Launch, environment: Mapping[str, str], log_file: Path, lock: socket.socket
    ) -> subprocess.Popen[bytes] | None:
        """Let it become the server of `plan`; None where it is gone."""
        order = {
            "command": plan.command,
            "environment": {key: environment.get(key) for key in (*TOLD_LATE, "OMP_NUM_THREADS")},
            "folder": str(log_file.parent),
        }
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(log_file, flags, 0o600)
        try:
            message = json.dumps(order).encode()
            socket.send_fds(self._channel, [message], [descriptor, lock.fileno()])
        except OSError as error:
            log.warning("the standby is gone: %s", error)
            return None
        finally:
            os.close(descriptor)
            self._channel.close()
        return self._child

    async def close(self) -> None:
        """End it as any tree of ours is ended."""
        self._channel.close()
        leader = tree.identify(self.pid)
        if leader and self._child.poll() is None:
            known = frozenset({leader})
            await process.end_tree(leader, known, self.tag, 0, self._child.poll)
