"""Whether the cards have let go of a server that ended, by NVML and not by hope.

Judged per process first: none of the tree's may be on a card any more. Then by what no process
accounts for, which has to be back to what it was before the start; so another tenant may have come,
grown or gone meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from vconsole.host.gpu import GpuReader
from vconsole.host.readings import Gpu, GpuProcess, GpuReading
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.record import CardBefore, Run
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

# Less than any CUDA context of a worker, which takes some 300 MiB and more.
TOLERANCE_BYTES = 200 << 20
PATIENCE_S = 5.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Release:
    """`released` is None where it cannot be told; `words` say what is left and who holds it."""

    released: bool | None = None
    words: str | None = None


async def noted(prepared: PreparedLaunch) -> PreparedLaunch:
    """A launch with what the cards hold before it; nothing for one that runs on CPUs."""
    if prepared.launch.engine_device == "cpu":
        return prepared
    return replace(prepared, cards_before=await asyncio.to_thread(cards_before))


def cards_before() -> tuple[CardBefore, ...]:
    """What is used on each card now that no process accounts for."""
    with GpuReader() as reader:
        readable = [gpu for gpu in reader.read().gpus if gpu.memory_used_bytes is not None]
    return tuple(CardBefore(card_key(gpu), unnamed_bytes(gpu)) for gpu in readable)


async def cards_of(run: Run) -> frozenset[str]:
    """The cards that list a process of this run now; empty where none does or can be read."""
    if not run.cards_before:
        return frozenset()
    return await asyncio.to_thread(_cards_of, run.tree)


async def until_released(
    run: Run, cards: frozenset[str] = frozenset(), patience_s: float = PATIENCE_S
) -> Release:
    """Watch `cards` (all where none is named) until they let go, for `patience_s` at most."""
    before = tuple(one for one in run.cards_before if not cards or one.card in cards)
    if not before:
        return Release()
    deadline_s = time.monotonic() + patience_s
    with GpuReader(retry_s=POLL_S) as reader:
        while True:
            release = judge(before, await asyncio.to_thread(reader.read), pids_of(run.tree))
            if release.released or time.monotonic() > deadline_s:
                return release
            await asyncio.sleep(POLL_S)


async def left_behind(run: Run) -> str:
    """What a run that ended by itself left on the cards, to follow the cause of its end."""
    release = await until_released(run)
    return f"; {release.words}" if release.released is False else ""


def judge(before: tuple[CardBefore, ...], now: GpuReading, pids: frozenset[int]) -> Release:
    """One reading against what was there before; `pids` are those of the tree."""
    by_card = {card_key(gpu): gpu for gpu in now.gpus if gpu.memory_used_bytes is not None}
    pairs = [(by_card[one.card], one) for one in before if one.card in by_card]
    if not pairs:
        return Release(None, now.note or "no card can be read")
    held = [
        _held(process, gpu) for gpu, _ in pairs for process in gpu.processes if process.pid in pids
    ]
    if held:
        return Release(False, "; ".join(held))
    grown = [(gpu, unnamed_bytes(gpu) - one.unnamed_bytes) for gpu, one in pairs]
    left = [(gpu, size_bytes) for gpu, size_bytes in grown if size_bytes > TOLERANCE_BYTES]
    if not left:
        return Release(True)
    told = all(process.memory_bytes is not None for gpu, _ in left for process in gpu.processes)
    return Release(False if told else None, "; ".join(_left(*one) for one in left))


def unnamed_bytes(gpu: Gpu) -> int:
    """What is used and no process accounts for; below 0 where processes share what they hold."""
    named = sum(process.memory_bytes or 0 for process in gpu.processes)
    return (gpu.memory_used_bytes or 0) - named


def pids_of(processes: Iterable[ProcessId]) -> frozenset[int]:
    """The pids that are still those of the tree: a living stranger's are not."""
    return frozenset(one.pid for one in processes if tree.identify(one.pid) in {None, one})


def card_key(gpu: Gpu) -> str:
    return gpu.uuid or str(gpu.index)


def _cards_of(processes: Iterable[ProcessId]) -> frozenset[str]:
    pids = pids_of(processes)
    with GpuReader() as reader:
        gpus = reader.read().gpus
    return frozenset(
        card_key(gpu) for gpu in gpus if any(process.pid in pids for process in gpu.processes)
    )


def _held(process: GpuProcess, gpu: Gpu) -> str:
    who = (
        f"{process.name}, pid {process.pid}" if process.name else f"pid {process.pid}, which ended"
    )
    size = "some memory" if process.memory_bytes is None else _gib(process.memory_bytes)
    return f"GPU {gpu.index} still holds {size} for our {who}"


def _left(gpu: Gpu, size_bytes: int) -> str:
    unknown = [str(one.pid) for one in gpu.processes if one.memory_bytes is None]
    whose = (
        f"the driver does not tell how much of it is held by pid {', '.join(unknown)}"
        if unknown
        else "no process on it accounts for that"
    )
    return f"GPU {gpu.index} has {_gib(size_bytes)} more in use than before the start; {whose}"


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"
