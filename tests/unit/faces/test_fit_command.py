"""`vconsole fit`: what it takes for a model, and the keys that it promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vconsole.cli.app import run
from vconsole.models import cards

CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "torch_dtype": "bfloat16",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
}
PROMISED = {
    *("verdict", "weights_bytes", "kv_bytes_per_token", "overhead_bytes", "kv_cache_bytes"),
    *("kv_cache_tokens", "max_concurrency", "max_model_len", "flags", "why", "validated_on"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a config and an index that holds nothing but the size."""
    made = tmp_path / "qwen"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG))
    index = {"metadata": {"total_size": 15_231_233_024}, "weight_map": {}}
    (made / "model.safetensors.index.json").write_text(json.dumps(index))
    return made


def fit(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["fit", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_folder_with_config_and_index_is_enough(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = fit(capsys, str(folder), "--gpu", "RTX 3090", "--max-model-len", "8192")
    assert data.keys() >= PROMISED
    assert data["verdict"] == "fits"
    assert data["kv_bytes_per_token"] == 57_344
    assert data["weights_bytes"] == pytest.approx(14.25 * 2**30, rel=0.01)
    for name in ("weights_bytes", "kv_cache_bytes", "kv_cache_tokens"):
        assert data[f"{name}_low"] <= data[name] <= data[f"{name}_high"]


def test_any_verdict_is_an_answer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(capsys, str(folder), "--gpu-memory", "12")["verdict"] == "too big"
    (folder / "config.json").write_text('{"model_type": "rwkv", "num_hidden_layers": 3}')
    data = fit(capsys, str(folder), "--gpu-memory", "12")
    assert data["verdict"] == "unknown"
    assert data["why"]
    assert data["kv_cache_tokens"] is None


def test_a_share_beyond_what_is_free_is_too_big(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = ("--gpu-memory", "24", "--gpu-memory-free", "18")
    data = fit(capsys, str(folder), *card, "--gpu-memory-utilization", "0.9")
    assert data["verdict"] == "too big"
    assert fit(capsys, str(folder), *card)["verdict"] == "fits"


def test_words_and_figures_keep_within_eighty_columns(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in (str(folder), "openai/gpt-oss-20b"):
        assert run(["fit", model, "--gpu", "RTX 4080", "--explain"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert any(line.startswith("[█") for line in lines)


def test_a_variant_that_fits_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    data = fit(capsys, "Qwen/Qwen2.5-14B-Instruct", "--gpu", "RTX 4080")
    assert data["verdict"] == "too big"
    assert data["variant"] in {
        "Qwen/Qwen2.5-14B-Instruct-AWQ",
        "Qwen/Qwen2.5-14B-Instruct-GPTQ-Int4",
    }


def test_what_is_nowhere_says_where_it_was_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "no/such-model", "--gpu", "T4"]) == 1
    assert "catalogue" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "printed_gib"),
    [("RTX 4090 24GB", 23.65), ("H100 80GB", 79.18), ("RTX 3090 24GB", 23.54), ("L4", 22.03)],
)
def test_totals_of_cards_are_those_that_vllm_prints(name: str, printed_gib: float) -> None:
    total = cards.find_card(name).total_bytes / 2**30
    assert total == pytest.approx(printed_gib, abs=0.03)


@pytest.mark.parametrize(
    ("name", "known", "gib"),
    [
        ("A100-PCIE-40GB", "A100 40GB", 39),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB", 79),
        ("A100", "A100 40GB", 39),
        ("Tesla V100-SXM2-32GB", "V100 32GB", 32),
        ("NVIDIA GH200 480GB", "GH200 96GB", 94),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "RTX 4090 Laptop", 16),
        ("RTX 4090 48GB", "RTX 4090 48GB", 47),
        ("H100 96GB", "H100 96GB", 94),
        ("NVIDIA H100 80GB HBM3", "H100", 79),
        ("Jetson AGX Thor", "Jetson Thor", 123),
    ],
)
def test_a_card_is_found_by_what_others_call_it(name: str, known: str, gib: float) -> None:
    card = cards.find_card(name)
    assert card.name == known
    assert card.total_bytes / 2**30 == pytest.approx(gib, abs=0.6)


def test_a_card_that_nobody_knows_may_have_its_size_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["fit", "demo-lark", "--gpu", "MI300X"]) == 2
    data = fit(capsys, "demo-lark", "--gpu", "MI300X", "--gpu-memory", "191.9")
    assert data["verdict"] == "fits"
