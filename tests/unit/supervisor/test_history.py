"""What is learned of earlier starts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import PhaseTime
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.record import Launch, Run

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def add(history: History, weights_s: float, version: str = "0.32.0") -> None:
    plan = Launch("m", "m", "127.0.0.1", 8000, engine_version=version, engine_device="cpu")
    phases = (PhaseTime("config", 8.0), PhaseTime("weights", weights_s))
    run = Run("t", "b", ProcessId(1, 2), NOW, ready_s=8.0 + weights_s, phases=phases)
    history.add_start("main", plan, run)


def test_medians_are_per_phase_model_and_engine(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    for weights_s in (10.0, 12.0, 90.0):
        add(history, weights_s)
    add(history, 1.0, version="0.31.0")
    assert history.learned_phases("m", "0.32.0 cpu") == ({"config": 8.0, "weights": 12.0}, 3)
    assert history.learned_phases("other", "0.32.0 cpu") == ({}, 0)
    history.close()


def test_it_is_kept_and_a_corrupt_one_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    first = History(path)
    add(first, 5.0)
    first.close()
    second = History(path)
    assert second.learned_phases("m", "0.32.0 cpu")[1] == 1
    second.close()
    path.write_bytes(b"this is no database, and long enough to be looked at" * 100)
    third = History(path)
    assert third.learned_phases("m", "0.32.0 cpu") == ({}, 0)
    third.close()
    assert list(tmp_path.glob("h.sqlite.corrupt-*"))
