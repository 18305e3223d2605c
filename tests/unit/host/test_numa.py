"""The host's NUMA nodes, from a folder as the kernel lays it out."""

from __future__ import annotations

from pathlib import Path

from vconsole.host.machine import read_numa
from vconsole.host.readings import NumaNode


def node(folder: Path, name: str, total_kb: int | None, free_kb: int = 0) -> None:
    (folder / name).mkdir()
    if total_kb is not None:
        number = name.removeprefix("node")
        rows = f"Node {number} MemTotal: {total_kb} kB\nNode {number} MemFree:  {free_kb} kB\n"
        (folder / name / "meminfo").write_text(rows + f"Node {number} MemUsed: 1 kB\n")


def test_nodes_with_memory_are_read_by_index(tmp_path: Path) -> None:
    node(tmp_path, "node10", 2048, 512)
    node(tmp_path, "node0", 4096, 1024)
    node(tmp_path, "node1", 0)
    node(tmp_path, "node2", None)
    (tmp_path / "online").write_text("0-2,10\n")
    kib = 1024
    assert read_numa(tmp_path) == (
        NumaNode(0, 4096 * kib, 1024 * kib),
        NumaNode(10, 2048 * kib, 512 * kib),
    )


def test_a_kernel_that_tells_of_no_nodes_is_no_error(tmp_path: Path) -> None:
    assert read_numa(tmp_path / "nowhere") == ()
