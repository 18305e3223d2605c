"""Weights as loaded, from headers, from an index, and counted."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from vconsole.errors import VConsoleError
from vconsole.models.fit import ModelFacts, read_facts
from vconsole.models.fit.defaults import settle, version_of
from vconsole.models.fit.plan import Card, Wishes
from vconsole.models.fit.weights import loaded_weights

CARD = Card("a card", 24 << 30, 24 << 30)
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 256,
    "intermediate_size": 512,
    "vocab_size": 1000,
    "max_position_embeddings": 64,
}
TABLES = 64 * 64 * 2
TENSORS = {
    "model.embed_tokens.weight": 512_000,
    "model.layers.0.mlp.up_proj.weight": 262_144,
    "model.layers.0.input_layernorm.weight": 512,
    "model.layers.2.mlp.up_proj.weight": 262_144,
    "lm_head.weight": 512_000,
}


def write(folder: Path, dtype: str = "BF16", **config: Any) -> Path:
    """A checkpoint that is all header: nobody reads the tensors."""
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    header, begin = {}, 0
    for name, size in TENSORS.items():
        header[name] = {"dtype": dtype, "shape": [], "data_offsets": [begin, begin + size]}
        begin += size
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    return folder


def loaded(facts: ModelFacts, wishes: Wishes = Wishes()) -> int:  # noqa: B008
    found = loaded_weights(facts, settle(facts, CARD, wishes, version_of("0.32"), 64))
    assert found is not None
    return found.size.value - TABLES


def test_layers_that_draft_and_tied_outputs_are_not_loaded(tmp_path: Path) -> None:
    own = 512_000 + 262_144 + 512
    assert loaded(read_facts(write(tmp_path))) == own + 512_000
    assert loaded(read_facts(write(tmp_path, tie_word_embeddings=True))) == own


def test_wide_weights_are_cast_and_quantised_ones_are_not(tmp_path: Path) -> None:
    whole = 512_000 * 2 + 262_144 + 512
    assert loaded(read_facts(write(tmp_path, "F32"))) == whole // 2
    packed = {"quantization_config": {"quant_method": "fp8"}}
    assert loaded(read_facts(write(tmp_path, "F32", **packed))) == whole


def test_what_is_packed_while_it_loads_is_half(tmp_path: Path) -> None:
    size = loaded(read_facts(write(tmp_path)), Wishes(quantization="fp8"))
    assert size == 512_000 * 2 + 262_144 // 2 + 512


def test_norms_are_on_every_card(tmp_path: Path) -> None:
    size = loaded(read_facts(write(tmp_path)), Wishes(tensor_parallel=2))
    assert size == (512_000 * 2 + 262_144) // 2 + 512


def test_without_files_they_are_counted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    attention = 2 * 256 * 256 + 2 * 256 * 2 * 64
    counted = 2 * (2 * 1000 * 256 + 2 * (attention + 3 * 256 * 512))
    assert loaded(read_facts(tmp_path)) == counted


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(VConsoleError, match=r"model\.safetensors"):
        read_facts(tmp_path)
