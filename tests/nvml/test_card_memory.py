"""What fills the card adds up to its total, whatever is known of its parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nvml.scene import Scene
from vconsole.host.card_memory import EngineSizes, card_memory
from vconsole.host.gpu import GpuReader
from vconsole.host.readings import CardMemory, Gpu, GpuProcess

GIB = 2**30
MIB = 2**20
EXAMPLE = Path(__file__).parents[2] / "docs" / "memory.md"
ROW = re.compile(r"\| (?P<words>[^|]+?) \| (?P<bytes>-?[\d,]+) \|")


def shown(found: CardMemory | None) -> dict[str, int | None]:
    assert found is not None
    assert sum(part.bytes or 0 for part in found.parts) == found.total_bytes
    return {part.name or part.kind: part.bytes for part in found.parts}


def test_the_worked_example_of_the_docs_is_true(scene: Scene, named: dict[str, int]) -> None:
    scene.play("tenants", **named)
    with GpuReader() as reader:
        card = reader.read(frozenset({named["vllm"]})).gpus[0]
    # As the log says it: 7.20 GiB of weights, 5.70 GiB of KV cache.
    sizes = EngineSizes(int(7.20 * GIB), int(5.70 * GIB), 0.54)
    parts = shown(card_memory(card, frozenset({named["vllm"]}), sizes))
    table = {
        row["words"]: int(row["bytes"].replace(",", ""))
        for row in ROW.finditer(EXAMPLE.read_text())
    }
    assert table.pop("**total**") == card.memory_total_bytes == sum(table.values())
    names = {
        "weights": "weights",
        "KV cache, used": "kv_used",
        "KV cache, free": "kv_free",
        "vLLM, everything else": "vllm_other",
        "ollama": "ollama",
        "Xorg": "Xorg",
        "gnome-shell": "gnome-shell",
        "unexplained": "unexplained",
        "reserved by the driver": "reserved",
        "free": "free",
    }
    assert {names[words]: size for words, size in table.items()} == parts


def card(used_gib: float, *processes: GpuProcess, reserved_gib: float | None = 0.4) -> Gpu:
    reserved = None if reserved_gib is None else int(reserved_gib * GIB)
    return Gpu(
        0,
        memory_total_bytes=16 * GIB,
        memory_used_bytes=int(used_gib * GIB),
        memory_reserved_bytes=reserved,
        processes=processes,
    )


SIZES = EngineSizes(7 * GIB, 5 * GIB, 0.5)
SIZES_PIDS = frozenset({1})


def test_a_server_that_still_loads_has_no_more_than_it_holds() -> None:
    loading = card(4, GpuProcess(1, "vllm", memory_bytes=3 * GIB))
    parts = shown(card_memory(loading, frozenset({1}), SIZES))
    assert (parts["weights"], parts["unexplained"]) == (3 * GIB, GIB)
    assert "kv_used" not in parts


def test_processes_of_unknown_size_are_listed_and_within_the_unexplained() -> None:
    unknown = card(14, GpuProcess(1, "vllm"), GpuProcess(2, "Xorg"))
    parts = shown(card_memory(unknown, frozenset({1}), SIZES))
    assert parts["Xorg"] is None
    assert parts["unexplained"] == 2 * GIB
    assert "vllm_other" not in parts


def test_in_a_container_the_log_is_all_there_is() -> None:
    parts = shown(card_memory(card(14), frozenset({1}), SIZES))
    assert (parts["weights"], parts["unexplained"]) == (7 * GIB, 2 * GIB)


def test_a_card_on_which_others_run_has_no_part_of_ours() -> None:
    parts = shown(card_memory(card(9, GpuProcess(2, "ollama", memory_bytes=9 * GIB)), SIZES_PIDS))
    assert set(parts) == {"ollama", "unexplained", "reserved", "free"}


def test_an_adopted_server_that_said_nothing_is_one_part() -> None:
    found = card(12, GpuProcess(1, "vllm", memory_bytes=12 * GIB))
    assert shown(card_memory(found, frozenset({1})))["vllm_other"] == 12 * GIB


def test_shared_memory_is_counted_twice_and_said() -> None:
    both = card(1, *(GpuProcess(pid, f"p{pid}", memory_bytes=GIB) for pid in (1, 2)))
    assert shown(card_memory(both))["unexplained"] == -GIB


def test_without_reserved_or_sizes() -> None:
    parts = shown(card_memory(card(4, reserved_gib=None)))
    assert parts == {"unexplained": 4 * GIB, "free": 12 * GIB}
    assert card_memory(Gpu(0, state="lost: it has fallen off the bus")) is None


sizes = st.none() | st.integers(0, 2**38)


@given(
    total=st.integers(0, 2**38),
    used=st.integers(0, 2**38),
    reserved=sizes,
    held=st.lists(st.tuples(st.integers(1, 6), sizes), max_size=6, unique_by=lambda one: one[0]),
    weights=sizes,
    kv_cache=sizes,
    usage=st.none() | st.floats(-1, 2),
)
def test_it_always_adds_up(
    total: int,
    used: int,
    reserved: int | None,
    held: list[tuple[int, int | None]],
    weights: int | None,
    kv_cache: int | None,
    usage: float | None,
) -> None:
    processes = tuple(GpuProcess(pid, memory_bytes=size) for pid, size in held)
    gpu = Gpu(
        0,
        memory_total_bytes=total,
        memory_used_bytes=used,
        memory_reserved_bytes=reserved,
        processes=processes,
    )
    found = card_memory(gpu, frozenset({1, 2}), EngineSizes(weights, kv_cache, usage))
    assert found is not None
    assert sum(part.bytes or 0 for part in found.parts) == total
    ours = [p for p in found.parts if p.kind in {"weights", "kv", "kv_used", "kv_free"}]
    assert all((part.bytes or 0) >= 0 for part in ours)


@pytest.mark.parametrize("usage", [0.0, 1.0, 0.333])
def test_used_and_free_cache_are_the_whole_cache(usage: float) -> None:
    full = card(14, GpuProcess(1, memory_bytes=14 * GIB))
    parts = shown(card_memory(full, SIZES_PIDS, EngineSizes(7 * GIB, 5 * GIB, usage)))
    assert (parts["kv_used"] or 0) + (parts["kv_free"] or 0) == 5 * GIB
