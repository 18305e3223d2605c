"""What a model holds asleep and woken, judged on readings of cards that are not here."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from vconsole.engine.command.command import ServeOptions, build_command
from vconsole.engine.command.sleep import MIDDLEWARE, may_sleep
from vconsole.errors import VConsoleError
from vconsole.host.readings import Gpu, GpuProcess, GpuReading
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.record import (
    CardBefore,
    Holding,
    Launch,
    Run,
    ServerRecord,
    Sleeper,
)
from vconsole.supervisor.servers.waiting import sleep_checks
from vconsole.supervisor.servers.waiting.sleeping import Sleepers

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

GIB = 2**30
OURS = frozenset({os.getpid()})


class Engine:
    version = "0.32.0"

    def __init__(self, device: str) -> None:
        self.device = device

    def serve_command(self, model: str) -> tuple[str, ...]:
        return ("vllm", "serve", model)


def run(weights_bytes: int | None = 8 * GIB) -> Run:
    leader = ProcessId(os.getpid(), 1)
    return Run("tag", "boot", leader, datetime.now(UTC), weights_bytes=weights_bytes)


def reading(used_gib: float, *listed: tuple[int, float]) -> GpuReading:
    processes = tuple(GpuProcess(pid, memory_bytes=int(size * GIB)) for pid, size in listed)
    gpu = Gpu(0, memory_used_bytes=int(used_gib * GIB), processes=processes)
    return GpuReading((gpu,))


def command(device: str, may: bool) -> tuple[str, ...]:
    options = ServeOptions("model", "name", "127.0.0.1", 8000, 15, may_sleep=may)
    return build_command(Engine(device), options)


def test_only_a_server_that_may_sleep_gets_the_listener_and_only_a_card_the_mode() -> None:
    assert not may_sleep(command("cuda", may=False))
    assert "--enable-sleep-mode" not in command("cuda", may=False)
    assert {"--enable-sleep-mode", MIDDLEWARE} <= set(command("cuda", may=True))
    assert may_sleep(command("cpu", may=True))
    assert "--enable-sleep-mode" not in command("cpu", may=True)


def test_what_is_held_is_counted_by_process_and_by_the_card_where_nobody_is_listed() -> None:
    listed = sleep_checks.holding(OURS, reading(20, (os.getpid(), 12), (1, 6)), on_cards=True)
    assert listed.card_bytes == 12 * GIB
    assert listed.host_bytes > 0
    assert sleep_checks.holding(OURS, reading(20), on_cards=True).card_bytes == 20 * GIB
    assert sleep_checks.holding(OURS, reading(20), on_cards=False).card_bytes is None


async def test_the_cards_are_looked_at_until_they_tell_of_the_sleep() -> None:
    """Seen on an H200: a sleep of half a second was judged by the reading of before it."""
    awake = Holding(3 * GIB, 70 * GIB)
    told = iter([awake, awake, Holding(18 * GIB, 1 * GIB)])

    async def look() -> Holding:
        return next(told)

    assert (await sleep_checks.until_freed(run(), awake, look)).card_bytes == GIB

    async def keeps() -> Holding:
        return awake

    with pytest.raises(VConsoleError, match="still holds"):
        await sleep_checks.until_freed(run(), awake, keeps, patience_s=0.3)


def test_a_sleep_that_keeps_the_weights_on_the_card_is_none() -> None:
    awake = Holding(GIB, 14 * GIB)
    sleep_checks.require_freed(run(), awake, Holding(9 * GIB, 1 * GIB))
    sleep_checks.require_freed(run(None), awake, Holding(9 * GIB, 1 * GIB))
    with pytest.raises(VConsoleError, match=r"still holds 13\.0 of 14\.0 GiB") as caught:
        sleep_checks.require_freed(run(), awake, Holding(9 * GIB, 13 * GIB))
    assert caught.value.kind == "sleep_kept_memory"


def test_without_a_card_there_is_nothing_to_free() -> None:
    sleep_checks.require_freed(run(), Holding(GIB), Holding(GIB))
    sleep_checks.require_as_before(Holding(GIB), Holding(3 * GIB))


def test_a_wake_that_holds_more_than_before_is_none() -> None:
    sleep_checks.require_as_before(Holding(GIB, 14 * GIB), Holding(GIB, 15 * GIB))
    with pytest.raises(VConsoleError, match="before it slept") as caught:
        sleep_checks.require_as_before(Holding(GIB, 7 * GIB), Holding(GIB, 14 * GIB))
    assert caught.value.kind == "wake_memory"


def test_another_answer_than_before_is_a_failed_wake() -> None:
    sleep_checks.require_same_answer("Paris", "Paris")
    with pytest.raises(VConsoleError, match="answers '!!!!'") as caught:
        sleep_checks.require_same_answer("Paris", "!!!!")
    assert caught.value.kind == "wake_output"


def test_memory_that_a_driver_pins_counts_though_it_is_shared() -> None:
    """Seen on an H200: a sleeper with 15 GiB of weights in memory was told to hold 2.4."""
    before = sleep_checks.holding(OURS, GpuReading(), on_cards=False)
    with mmap.mmap(-1, 96 << 20) as shared:
        shared.write(b"\1" * len(shared))
        now = sleep_checks.holding(OURS, GpuReading(), on_cards=False)
    assert now.host_bytes - before.host_bytes >= 90 << 20
    assert sleep_checks.differs(before, now)
    assert not sleep_checks.differs(before, Holding(before.host_bytes + 1))


@dataclass
class Book:
    record: ServerRecord

    async def note(self, **fields: Any) -> None:
        self.record = replace(self.record, **fields)


@dataclass
class Host:
    """What a server gives those who sleep."""

    book: Book
    used_gib: float

    async def machine(self) -> tuple[GpuReading, None]:
        return reading(self.used_gib, (os.getpid(), self.used_gib)), None


async def test_what_a_sleeper_holds_is_read_again_once_the_cards_tell_of_it() -> None:
    me = tree.identify(os.getpid())
    assert me is not None
    card = CardBefore("GPU-1", 0)
    slept = replace(run(), leader=me, tree=(me,), cards_before=(card,))
    launch = Launch("model", "name", "127.0.0.1", 8000)
    middle = Holding(3 * GIB, 117 * GIB)
    one = Sleeper(launch, slept, datetime.now(UTC), "said", "given", middle, middle)
    long_ago = replace(one, since=one.since - timedelta(minutes=1))
    host = Host(Book(ServerRecord("main", sleepers=(long_ago, one))), 2.0)
    await Sleepers(cast("Server", host)).tend()
    held = [each.asleep.card_bytes for each in host.book.record.sleepers]
    assert held == [117 * GIB, 2 * GIB]
