"""Whether a sleeping model really gave its memory up, and a woken one is as it was before.

vLLM's own word is not enough: releases are known that kept the weights on the card, or that woke up
with others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import psutil

from vconsole.errors import VConsoleError
from vconsole.host import procfs
from vconsole.host.page_cache import LEAST_LEFT_BYTES, LEAST_LEFT_SHARE
from vconsole.host.readings import GpuReading
from vconsole.supervisor.servers.record import Holding, Run

GIB = 2**30
# Contexts, graphs and the allocator's own stay, and a tree is never exactly as large as it was.
LEAST_FREED_SHARE = 0.5
TOLERANCE_SHARE = 0.1
TOLERANCE_BYTES = 512 << 20
MOVES_BYTES = 64 << 20
POLL_S = 0.25


def holding(pids: frozenset[int], reading: GpuReading, on_cards: bool) -> Holding:
    """What `pids` hold now; where NVML lists nobody, the cards' whole use stands for it."""
    named = [p.memory_bytes for g in reading.gpus for p in g.processes if p.pid in pids]
    used = [gpu.memory_used_bytes for gpu in reading.gpus]
    found = _sum(named) if named else _sum(used)
    return Holding(sum(map(procfs.unfiled_bytes, pids)), found if on_cards else None)


def differs(before: Holding, now: Holding) -> bool:
    """Whether that is more than a process's memory moves by itself."""
    moved_bytes = abs(before.host_bytes - now.host_bytes)
    return before.card_bytes != now.card_bytes or moved_bytes > MOVES_BYTES


def require_freed(run: Run, awake: Holding, asleep: Holding) -> None:
    """An error where a model that sleeps still holds its weights on the cards."""
    if awake.card_bytes is None or asleep.card_bytes is None:
        return
    freed = awake.card_bytes - asleep.card_bytes
    least = run.weights_bytes or LEAST_FREED_SHARE * awake.card_bytes
    if freed < LEAST_FREED_SHARE * least:
        raise VConsoleError(
            f"asleep it still holds {asleep.card_bytes / GIB:.1f} of {awake.card_bytes / GIB:.1f} "
            "GiB of the cards",
            kind="sleep_kept_memory",
        )


async def until_freed(
    run: Run, awake: Holding, look: Callable[[], Awaitable[Holding]], patience_s: float = 5.0
) -> Holding:
    """What `look` says once the weights have left the cards, or `require_freed`'s error.

    The cards are read once a second: right after a sleep they are told as they were before it.
    """
    deadline_s = time.monotonic() + patience_s
    while True:
        asleep = await look()
        try:
            require_freed(run, awake, asleep)
        except VConsoleError:
            if time.monotonic() > deadline_s:
                raise
            await asyncio.sleep(POLL_S)
        else:
            return asleep


def require_as_before(awake: Holding, woken: Holding) -> None:
    """An error where a woken model holds clearly more of the cards than before it slept."""
    if awake.card_bytes is None or woken.card_bytes is None:
        return
    most = awake.card_bytes * (1 + TOLERANCE_SHARE) + TOLERANCE_BYTES
    if woken.card_bytes > most:
        raise VConsoleError(
            f"woken it holds {woken.card_bytes / GIB:.1f} GiB of the cards, before it slept "
            f"{awake.card_bytes / GIB:.1f} GiB",
            kind="wake_memory",
        )


def require_same_answer(said: str, now: str) -> None:
    if said != now:
        raise VConsoleError(
            f"woken it answers {now[:60]!r}, before it slept {said[:60]!r}", kind="wake_output"
        )


def host_room_bytes() -> int:
    """What a sleeper may take of the host's memory now, with a margin left to everybody else."""
    memory = psutil.virtual_memory()
    margin = max(LEAST_LEFT_BYTES, int(memory.total * LEAST_LEFT_SHARE))
    return int(max(0, memory.available - margin))


def _sum(sizes: Iterable[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None
