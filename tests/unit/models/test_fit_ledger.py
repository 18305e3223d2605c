"""What real starts reported: read from the log, kept, and learned from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.models.test_fit_arithmetic import llama
from vconsole.cli.app import run
from vconsole.engine.log.start_figures import StartFigures
from vconsole.models.fit import MeasuredStart, make_plan
from vconsole.models.fit.ledger_file import (
    KEPT,
    add_start,
    ledger_path,
    read_ledger,
    shareable,
    starts_of,
)
from vconsole.models.fit.plan import Card, Wishes
from vconsole.models.on_disk import folder_of, identity_of
from vconsole.supervisor.model import Measured

GIB = 2**30
CARD = Card("RTX 3090", int(23.55 * GIB), int(23.55 * GIB), capability=(8, 6))
WISHES = Wishes(gpu_memory_utilization=0.9, max_model_len=8192)
FLAGS = ("--gpu-memory-utilization", "0.9", "--max-model-len", "8192", "--api-key", "hunter2")


def start(kv_gib: float = 5.0, version: str = "0.32.0", card: str = CARD.name) -> MeasuredStart:
    return MeasuredStart(
        *("/home/ann/models/llama", FLAGS, version, card, CARD.total_bytes, "2026-11-24T01:00:00"),
        weights_bytes=int(14.99 * GIB),
        kv_cache_bytes=int(kv_gib * GIB),
        kv_cache_tokens=40_960,
        max_model_len=8192,
        utilization=0.9,
        predicted_kv_cache_tokens=43_008,
    )


@pytest.fixture
def _state() -> None:
    ledger_path().parent.mkdir(parents=True)


def test_the_lines_of_a_start_are_read_to_their_digits() -> None:
    figures = StartFigures()
    for message in (
        "Model loading took 14.99 GiB memory and 9.1 seconds",
        "Available KV cache memory: 5.68 GiB",
        "Available KV cache memory: 5.61 GiB",
        "GPU KV cache size: 46,544 tokens",
        "Maximum concurrency for 8,192 tokens per request: 5.68x",
        "Graph capturing finished in 21 secs, took 0.53 GiB",
        "GPU KV cache size: a million tokens",
    ):
        figures.feed(message)
    assert figures.weights_bytes == int(14.99 * GIB)
    assert figures.kv_cache_bytes == int(5.61 * GIB)
    assert figures.kv_cache_tokens == 46_544
    assert (figures.max_model_len, figures.max_concurrency) == (8192, 5.68)
    assert figures.cuda_graph_bytes == int(0.53 * GIB)


def test_an_earlier_start_corrects_the_next_plan_and_narrows_its_band() -> None:
    before = make_plan(llama(), CARD, WISHES, engine_version="0.32.0")
    after = make_plan(llama(), CARD, WISHES, [start()], "0.32.0")
    assert before.kv_cache_bytes is not None
    assert after.kv_cache_bytes is not None
    assert after.kv_cache_bytes.value == pytest.approx(5.0 * GIB, abs=0.02 * GIB)
    wide = before.kv_cache_bytes.high - before.kv_cache_bytes.low
    narrow = after.kv_cache_bytes.high - after.kv_cache_bytes.low
    assert narrow < wide / 2


@pytest.mark.parametrize("other", [start(version="0.17.1"), start(card="RTX 4090")])
def test_starts_of_other_versions_and_cards_teach_nothing(other: MeasuredStart) -> None:
    plain = make_plan(llama(), CARD, WISHES, engine_version="0.32.0")
    assert make_plan(llama(), CARD, WISHES, [other], "0.32.0") == plain


@pytest.mark.usefixtures("_state")
def test_the_ledger_keeps_the_latest_and_passes_over_damage() -> None:
    ledger_path().write_text('{"model": \n')
    add_start(start(kv_gib=1))
    for _ in range(3):
        add_start(start())
    assert len(read_ledger()) == 4
    assert starts_of("another", None) == ()
    line = ledger_path().read_bytes().splitlines()[0] + b"\n"
    ledger_path().write_bytes(line * (KEPT + 5))
    add_start(start())
    assert len(read_ledger()) == KEPT
    assert read_ledger()[-1] == start()


@pytest.mark.usefixtures("_state")
def test_a_model_is_the_same_by_name_and_by_path_and_another_when_it_was_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--acme--x"
    snapshot = kept / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"12345678")
    (tmp_path / "link").symlink_to(snapshot)
    assert folder_of("acme/x") == snapshot
    assert identity_of(snapshot) == identity_of(tmp_path / "link") == "acme/x@abc 8"
    by_name = replace(start(), model="acme/x", identity=identity_of(snapshot))
    old_by_path = replace(start(), model=str(snapshot))
    add_start(by_name)
    add_start(old_by_path)
    for model in ("acme/x", str(snapshot)):
        assert starts_of(model, snapshot) == (by_name, old_by_path)
    assert starts_of("acme/x", None) == (by_name,)
    (snapshot / "model.safetensors").write_bytes(b"1234567890")
    assert starts_of("acme/x", snapshot) == (old_by_path,)
    assert replace(by_name, model=str(snapshot)).name == "x"
    assert shareable(replace(start(), identity="/home/ann/llama 8"))["identity"] is None


def test_what_was_measured_is_said_beside_what_was_predicted() -> None:
    exact = Measured(kv_cache_tokens=18_432, predicted_kv_cache_tokens=18_432)
    assert exact.text == "18,432 KV tokens, exactly as predicted"
    assert Measured(kv_cache_tokens=20_000, predicted_kv_cache_tokens=19_000).text == (
        "20,000 KV tokens; predicted 19,000 (-5.0 %)"
    )
    assert Measured(predicted_kv_cache_tokens=19_000).text == ""


def test_a_shared_row_names_neither_person_nor_secret() -> None:
    text = json.dumps(shareable(start()))
    assert not any(word in text for word in ("ann", "hunter2", "api-key", "T01:00"))
    assert "--max-model-len" in text


@pytest.mark.usefixtures("_state")
def test_the_ledger_as_a_table_and_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_start(start())
    assert run(["fit", "--ledger"]) == 0
    assert "+5.0 %" in capsys.readouterr().out
    assert run(["fit", "--share", str(tmp_path / "row.json")]) == 0
    assert json.loads((tmp_path / "row.json").read_text())["kv_cache_tokens"] == 40_960
