"""The cards let go of a server, or what is left is said: the scene changes while a stop runs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.nvml.scene import Scene
from tests.support.home import free_port
from vconsole import paths
from vconsole.host.readings import Gpu, GpuProcess, GpuReading
from vconsole.supervisor.processes import gpu_memory, tree
from vconsole.supervisor.processes.gpu_memory import Release, judge
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.record import CardBefore, Launch, Run
from vconsole.supervisor.servers.starts import launch
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

GIB = 2**30
MIB = 2**20
US = frozenset({10, 11})
# A stand-in for a server's tree: an API server with an engine, of which each ends when it is told.
SERVER = "import os, time; os.fork(); time.sleep(600)"
PLAN = Launch(
    *("m", "m", "127.0.0.1", 8000),
    drain_s=0,
    command=(sys.executable, "-c", SERVER),
    engine_device="cuda",
)


# --- the judge -----------------------------------------------------------------------------------


def card(used_gib: float, *processes: GpuProcess, index: int = 0, state: str | None = None) -> Gpu:
    return Gpu(
        index,
        uuid=f"GPU-{index}",
        memory_used_bytes=None if state else int(used_gib * GIB),
        processes=processes,
        state=state,
    )


def holds(pid: int, gib: float | None, name: str | None = "python") -> GpuProcess:
    return GpuProcess(pid, name, "alice", None if gib is None else int(gib * GIB))


def judged(before: Gpu, after: Gpu) -> Release:
    known = CardBefore(gpu_memory.card_key(before), gpu_memory.unnamed_bytes(before))
    return judge((known,), GpuReading((after,)), US)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (card(0.1), card(0.1)),
        (card(0.1), card(0.25)),
        # Another tenant came, grew, shrank or left meanwhile.
        (card(0.1), card(9.1, holds(77, 9.0))),
        (card(5.1, holds(77, 5.0)), card(9.1, holds(77, 9.0))),
        (card(9.1, holds(77, 9.0)), card(5.1, holds(77, 5.0))),
        (card(9.1, holds(77, 9.0)), card(0.1)),
        # A server that was adopted stood on the card already.
        (card(14.1, holds(10, 14.0)), card(0.1)),
        # Somebody of unknown size stayed as he was.
        (card(3.0, holds(77, None)), card(3.1, holds(77, None))),
    ],
)
def test_memory_that_is_back(before: Gpu, after: Gpu) -> None:
    assert judged(before, after) == Release(True)


def test_a_process_of_the_tree_still_on_the_card_is_named() -> None:
    release = judged(card(0.1), card(12.4, holds(11, 12.3, "VLLM::EngineCore")))
    assert release.released is False
    assert release.words == "GPU 0 still holds 12.3 GiB for our VLLM::EngineCore, pid 11"


def test_a_process_that_ended_and_holds_memory_all_the_same_is_named() -> None:
    words = judged(card(0.1), card(0.1, holds(10, None, None))).words
    assert words == "GPU 0 still holds some memory for our pid 10, which ended"


@pytest.mark.parametrize(
    "after",
    [
        card(12.1),
        card(21.1, holds(77, 9.0)),
        # Ollama let go of as much as we leaked: the sum is back, the memory is not.
        card(5.1),
    ],
)
def test_memory_that_nobody_accounts_for_is_not_back(after: Gpu) -> None:
    release = judged(card(5.1, holds(77, 5.0)), after)
    assert release.released is False
    assert "more in use than before the start; no process" in (release.words or "")


def test_what_the_driver_does_not_tell_is_unknown() -> None:
    release = judged(card(0.1), card(4.1, holds(77, None)))
    assert release.released is None
    assert "does not tell how much of it is held by pid 77" in (release.words or "")


def test_a_card_that_is_lost_is_left_out_and_none_at_all_is_unknown() -> None:
    before = (CardBefore("GPU-0", 0), CardBefore("GPU-1", 0))
    lost = card(0, index=1, state="lost: it has fallen off the bus")
    assert judge(before, GpuReading((card(0.1), lost)), US) == Release(True)
    alone = judge(before, GpuReading((lost,), "GPU 1 is lost"), US)
    assert alone == Release(None, "GPU 1 is lost")


def test_a_card_that_is_not_ours_is_not_looked_at() -> None:
    other = card(40, index=1)
    assert judge((CardBefore("GPU-0", 0),), GpuReading((card(0.1), other)), US) == Release(True)


def test_a_strangers_recycled_pid_is_not_of_the_tree() -> None:
    me = tree.identify(os.getpid())
    assert me is not None
    gone = ProcessId(2**22 + 1, 5)
    stranger = replace(me, start_ticks=me.start_ticks + 1)
    assert gpu_memory.pids_of((me, stranger, gone)) == {me.pid, gone.pid}
    assert gpu_memory.pids_of((stranger,)) == frozenset()


# --- with a tree of processes and the stand-in ----------------------------------------------------


def playing(used_mib: int, *processes: str) -> str:
    head = f"[gpu]\nuuid = GPU-A\nname = A\ntotal = {16 * GIB}\nreserved = 0\nused = "
    listed = "".join(f"compute = {one}\n" for one in processes)
    return f"{head}{used_mib * MIB}\n{listed}"


@asynccontextmanager
async def server_on_the_card(scene: Scene) -> AsyncIterator[Life]:
    """A tree that was started over 300 MiB of a desktop and then holds 9 GiB of the card."""
    scene.write(playing(300))
    paths.private_folder(paths.server_dir("main"))
    prepared = await gpu_memory.noted(PreparedLaunch(replace(PLAN, port=free_port()), {}))
    life = Life.spawn("main", prepared, {}, 0)
    try:
        for _ in range(100):
            life.learn_tree()
            if len(life.run.tree) == 2:
                break
            await asyncio.sleep(0.05)
        assert len(life.run.tree) == 2
        scene.write(playing(9516, *(f"{one.pid} {4608 * MIB}" for one in life.run.tree)))
        yield life
    finally:
        for one in life.run.tree:
            tree.send(one, signal.SIGKILL)
        life.reap()
        await life.close()


async def test_a_stop_is_finished_when_the_memory_is_back(scene: Scene) -> None:
    async with server_on_the_card(scene) as life:
        assert life.run.cards_before == (CardBefore("GPU-A", 300 * MIB),)
        ending = await life.end(0)
        assert not ending.survivors
        # The driver takes its time: first the engine goes, then the API server, then the memory.
        last = life.run.tree[0].pid
        waiting = asyncio.create_task(life.gpu_memory_released())
        await asyncio.sleep(0.3)
        scene.write(playing(4908, f"{last} {4608 * MIB}"))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        scene.write(playing(4908))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        scene.write(playing(300))
        begun_s = asyncio.get_running_loop().time()
        assert await waiting == Release(True)
        assert asyncio.get_running_loop().time() - begun_s < 0.5
    assert scene.opened == 0


async def test_memory_that_stays_is_said_with_its_holder(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_memory.until_released, "__defaults__", (frozenset(), 0.3))
    async with server_on_the_card(scene) as life:
        await life.end(0)
        release = await life.gpu_memory_released()
        assert release.released is False
        for one in life.run.tree:
            assert f"pid {one.pid}" in (release.words or "")
        assert (release.words or "").count("GPU 0 still holds 4.5 GiB for our ") == 2
        assert await gpu_memory.left_behind(life.run) == f"; {release.words}"
        scene.write(playing(300))
        assert await gpu_memory.left_behind(life.run) == ""


async def test_another_tenant_may_take_what_became_free(scene: Scene) -> None:
    async with server_on_the_card(scene) as life:
        await life.end(0)
        scene.write(playing(300 + 8192, f"1 {8192 * MIB}"))
        assert await life.gpu_memory_released() == Release(True)


async def test_without_a_card_or_on_cpus_it_is_unknown(scene: Scene) -> None:
    prepared = PreparedLaunch(PLAN, {})
    assert (await gpu_memory.noted(prepared)).cards_before == ()
    scene.write(playing(300))
    on_cpus = launch.PreparedLaunch(replace(PLAN, engine_device="cpu"), {})
    assert (await gpu_memory.noted(on_cpus)).cards_before == ()
    run = Run("main-1", "boot", ProcessId(1, 1), datetime.now(UTC))
    assert await gpu_memory.until_released(run) == Release()
    assert await gpu_memory.cards_of(run) == frozenset()
