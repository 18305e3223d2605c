"""The allocator's share of the weights, against what vLLM printed of whole models."""

from __future__ import annotations

import pytest

from vconsole.models.fit import facts_from_config
from vconsole.models.fit.allocator import MIB, added_bytes, allocator_bytes

GIB = 2**30
QWEN = {"model_type": "qwen2", "vocab_size": 152064}
QWEN_7B = QWEN | {
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "hidden_size": 3584,
    "intermediate_size": 18944,
}
QWEN_3B = QWEN | {
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "hidden_size": 2048,
    "intermediate_size": 11008,
}
QWEN_14B = QWEN | {
    "num_hidden_layers": 48,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "hidden_size": 5120,
    "intermediate_size": 13824,
}
LLAMA_8B = {
    "model_type": "llama",
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "vocab_size": 128256,
}


@pytest.mark.parametrize(
    ("size", "added"),
    [
        (9 * MIB + 5, 0),
        (10 * MIB, 0),
        (11 * MIB, MIB),
        (11 * MIB - 1, 0),
        (31 * MIB + MIB // 2, MIB // 2),
    ],
)
def test_a_remainder_up_to_a_mebibyte_stays_with_its_tensor(size: int, added: int) -> None:
    assert added_bytes(size) == added


# Parameters, rows of the rotary table, and the GiB that `Model loading took` in public logs.
@pytest.mark.parametrize(
    ("config", "parameters", "positions", "cards", "printed_gib"),
    [
        (QWEN_7B, 7_615_616_512, 32768, 1, 14.2487),
        (QWEN_3B, 3_085_938_688, 32768, 1, 5.7916),
        (QWEN_14B, 14_770_033_664, 32768, 4, 6.9461),
        (LLAMA_8B, 8_030_261_248, 131072, 1, 14.9889),
    ],
)
def test_with_it_the_printed_weights_come_out_to_thousandths(
    config: dict[str, object], parameters: int, positions: int, cards: int, printed_gib: float
) -> None:
    added = allocator_bytes(facts_from_config(config), cards, 2)
    size = parameters * 2 / cards + positions * 128 * 2 + added
    assert size / GIB == pytest.approx(printed_gib, abs=0.003)


def test_packed_weights_are_not_counted() -> None:
    packed = QWEN_7B | {"quantization_config": {"quant_method": "awq", "bits": 4}}
    assert allocator_bytes(facts_from_config(packed), 1, 2) == 0
