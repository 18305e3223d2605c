"""Reading ahead: all of it where there is room, and never a reason to fail."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from vconsole.host import page_cache
from vconsole.models.on_disk import weight_files


def test_weights_are_read_whole_in_order(tmp_path: Path) -> None:
    for name, size in (("b.safetensors", 3000), ("a.safetensors", 2000), ("config.json", 10)):
        (tmp_path / name).write_bytes(b"x" * size)
    files = weight_files(tmp_path)
    assert [file.name for file in files] == ["a.safetensors", "b.safetensors"]
    seen = page_cache.read_ahead(files, threading.Event())
    assert (seen.read_bytes, seen.total_bytes) == (5000, 5000)


def test_it_ends_when_told_to_or_where_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"x" * 100)
    stop = threading.Event()
    stop.set()
    assert page_cache.read_ahead([file], stop).read_bytes == 0
    monkeypatch.setattr(page_cache, "LEAST_LEFT_BYTES", 1 << 60)
    assert page_cache.read_ahead([file], threading.Event()).read_bytes == 0


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert weight_files(tmp_path / "nothing") == ()
    seen = page_cache.read_ahead([tmp_path / "gone.bin"], threading.Event())
    assert (seen.read_bytes, seen.total_bytes) == (0, 0)
