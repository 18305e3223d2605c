"""Watching the vLLM servers of this machine that are not ours: looked at, never signalled.

A suspicion becomes a server once its port answers `/version` and `/v1/models` as vLLM does. It is
asked once: who answered is not asked again while that process lives, so as not to fill its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from vconsole.engine.command.secrets import redacted
from vconsole.engine.http.client import EngineClient, EngineRefusedError
from vconsole.engine.http.protocol import ModelCard
from vconsole.errors import VConsoleError
from vconsole.host.listening import Listener
from vconsole.host.readings import ForeignServer, Gpu, StrayProcess
from vconsole.host.vllm_processes import Sighting, Suspect, look, user_name

LOOK_EVERY_S = 10.0
# A port that did not answer as vLLM does is left in peace for so long.
ASK_AGAIN_S = 30.0
ANSWER_TIMEOUT_S = 2.0
UNAUTHORIZED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vLLM said of itself; `cards` is None where it wants a key that we do not have."""

    listener: Listener
    version: str
    cards: tuple[ModelCard, ...] | None

    @property
    def url(self) -> str:
        host = self.listener.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.listener.port}"


class ForeignWatch:
    """The last look, and the one under way; never waited for by the beat that begins it."""

    def __init__(self) -> None:
        self.pids: frozenset[int] = frozenset()
        self._servers: tuple[tuple[ForeignServer, frozenset[int]], ...] = ()
        self._strays: tuple[StrayProcess, ...] = ()
        self._answers: dict[tuple[int, int], Answer] = {}
        self._not_before_s: dict[tuple[int, int, Listener], float] = {}
        self._looked_s = -LOOK_EVERY_S
        self._task: asyncio.Task[None] | None = None

    def look_if_due(self, owned: frozenset[int]) -> None:
        """Begin a look in the background, if the last one is old enough and over."""
        if time.monotonic() - self._looked_s < LOOK_EVERY_S or (
            self._task and not self._task.done()
        ):
            return
        self._looked_s = time.monotonic()
        self._task = asyncio.create_task(self.look(owned))

    async def look(self, owned: frozenset[int]) -> None:
        """One look at every process that is not in `owned`."""
        sighting = await asyncio.to_thread(look, owned)
        self._forget_all_but(sighting)
        await asyncio.gather(*(self._ask(suspect) for suspect in sighting.suspects))
        known = ((one, self._answers.get(_key(one))) for one in sighting.suspects)
        self._servers = tuple(
            (as_shown(one, answer), one.family) for one, answer in known if answer
        )
        self._strays = sighting.strays
        self.pids = sighting.pids

    def servers(
        self, gpus: Iterable[Gpu] = (), owned: frozenset[int] = frozenset()
    ) -> tuple[ForeignServer, ...]:
        """The servers of the last look, less those that were adopted since."""
        used = _gpu_bytes_by_pid(gpus)
        return tuple(
            replace(server, gpu_memory_bytes=_gpu_bytes(used, family))
            for server, family in self._servers
            if server.pid not in owned
        )

    def strays(self, gpus: Iterable[Gpu] = ()) -> tuple[StrayProcess, ...]:
        used = _gpu_bytes_by_pid(gpus)
        return tuple(
            replace(stray, gpu_memory_bytes=_gpu_bytes(used, frozenset(stray.pids)))
            for stray in self._strays
        )

    async def close(self) -> None:
        if self._task and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _ask(self, suspect: Suspect) -> None:
        key = _key(suspect)
        for listener in suspect.listeners:
            if key in self._answers:
                return
            if time.monotonic() < self._not_before_s.get((*key, listener), 0.0):
                continue
            try:
                self._answers[key] = await ask_who(listener)
            except VConsoleError:
                self._not_before_s[*key, listener] = time.monotonic() + ASK_AGAIN_S

    def _forget_all_but(self, sighting: Sighting) -> None:
        """Forget who is gone, and an answer from a port that is no longer open."""
        open_now = {_key(one): one.listeners for one in sighting.suspects}
        self._answers = {
            key: answer
            for key, answer in self._answers.items()
            if answer.listener in open_now.get(key, ())
        }
        self._not_before_s = {
            silent: until_s
            for silent, until_s in self._not_before_s.items()
            if silent[2] in open_now.get(silent[:2], ())
        }


async def ask_who(listener: Listener, api_key: str | None = None) -> Answer:
    """Ask a port what serves there; `VConsoleError` where it is no vLLM, or does not answer."""
    unasked = Answer(listener, "", None)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S), EngineClient(unasked.url, api_key) as client:
            version = await client.version()
            try:
                cards = await client.models()
            except EngineRefusedError as error:
                if error.status not in UNAUTHORIZED:
                    raise
                return Answer(listener, version, None)
    except TimeoutError as error:
        raise VConsoleError(f"{unasked.url} does not answer") from error
    if not any(card.owned_by == "vllm" for card in cards):
        raise VConsoleError(f"what answers at {unasked.url} is no vLLM")
    return Answer(listener, version, cards)


def as_shown(suspect: Suspect, answer: Answer) -> ForeignServer:
    process = suspect.process
    return ForeignServer(
        pid=process.pid,
        user=user_name(process.uid),
        port=answer.listener.port,
        model=answer.cards[0].id if answer.cards else None,
        version=answer.version,
        memory_bytes=suspect.memory_bytes,
        url=answer.url,
        command=redacted(process.argv),
        start_ticks=process.start_ticks,
    )


def _key(suspect: Suspect) -> tuple[int, int]:
    return suspect.process.pid, suspect.process.start_ticks


def _gpu_bytes_by_pid(gpus: Iterable[Gpu]) -> dict[int, int]:
    used: dict[int, int] = {}
    for process in (process for gpu in gpus for process in gpu.processes):
        if process.memory_bytes is not None:
            used[process.pid] = used.get(process.pid, 0) + process.memory_bytes
    return used


def _gpu_bytes(used: dict[int, int], family: frozenset[int]) -> int | None:
    found = [used[pid] for pid in family if pid in used]
    return sum(found) if found else None
