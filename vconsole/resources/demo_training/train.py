"""Trains one demo model and writes it in the form that vLLM serves.

    ENGINE_PYTHON vconsole/resources/demo_training/train.py --variant lark --output DIR

Runs in the engine's Python (torch, transformers, tokenizers), on one CPU thread, in about six
minutes. The seeds are fixed and the algorithms deterministic: on the same machine with the same
versions, the same files come out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from dialogues import training_documents
from documents import BOS, END, PAD
from safetensors.torch import save_file
from tokenizer import MAX_LENGTH_TOKENS, Encoded, build_tokenizer, encode, save_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

SEEDS = {"lark": 11, "owl": 12}
THREADS = 1
VOCABULARY_SIZE = 1280
TOKENIZER_DOCUMENTS = 20_000
DOCUMENTS = 80_000
SORTED_DOCUMENTS = 2_000
BATCH_TOKENS = 3_000
PEAK_LEARNING_RATE = 4e-3
WARMUP_SHARE = 0.04
GAP_PROBABILITY = 0.3
LOG_EVERY_STEPS = 50
SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
}


def say(text: str) -> None:
    """One line of progress."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def model_config(bos: int, end: int, pad: int) -> dict[str, object]:
    """The content of config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **SHAPE,
        "vocab_size": VOCABULARY_SIZE,
        "max_position_embeddings": MAX_LENGTH_TOKENS,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": bos,
        "eos_token_id": end,
        "pad_token_id": pad,
        "torch_dtype": "bfloat16",
    }


def batches(encoded: list[Encoded], rng: Random) -> Iterator[list[Encoded]]:
    """Documents of similar length together, in shuffled order, up to BATCH_TOKENS each."""
    for start in range(0, len(encoded), SORTED_DOCUMENTS):
        group = sorted(encoded[start : start + SORTED_DOCUMENTS], key=lambda e: len(e.ids))
        cut: list[list[Encoded]] = [[]]
        for item in group:
            if (len(cut[-1]) + 1) * len(item.ids) > BATCH_TOKENS:
                cut.append([])
            cut[-1].append(item)
        rng.shuffle(cut)
        yield from cut


def positions(item: Encoded, width: int, rng: Random) -> list[int]:
    """Positions 0, 1, 2 ..., sometimes with one gap, so that far positions are known too.

    The method is positional skip-wise training (Zhu et al., PoSE, 2023).
    """
    gap = rng.randint(0, MAX_LENGTH_TOKENS - width) if rng.random() < GAP_PROBABILITY else 0
    return [i + (gap if i >= item.gap_at else 0) for i in range(width)]


def tensors(batch: list[Encoded], pad: int, rng: Random) -> tuple[torch.Tensor, ...]:
    """Padded ids, positions and loss weights, each of shape (documents, longest)."""
    width = max(len(item.ids) for item in batch)
    ids = [item.ids + [pad] * (width - len(item.ids)) for item in batch]
    weights = [item.weights + [0.0] * (width - len(item.ids)) for item in batch]
    places = [positions(item, width, rng) for item in batch]
    return torch.tensor(ids), torch.tensor(places), torch.tensor(weights)


def weighted_loss(
    model: LlamaForCausalLM, ids: torch.Tensor, places: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """The mean cross entropy of the next token over the learnt targets, in nats."""
    # A full mask keeps transformers from reading a position gap as the start of another document.
    hidden = model.model(ids, torch.ones_like(ids), position_ids=places, use_cache=False)[0]
    learnt = weights[:, 1:] > 0
    logits = model.lm_head(hidden[:, :-1][learnt]).float()
    losses = torch.nn.functional.cross_entropy(logits, ids[:, 1:][learnt], reduction="none")
    share = weights[:, 1:][learnt]
    return (losses * share).sum() / share.sum()


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to nearly nothing."""
    warmup = steps * WARMUP_SHARE
    return PEAK_LEARNING_RATE * min(step / warmup, 1 - 0.99 * (step - warmup) / (steps - warmup))


def train(model: LlamaForCausalLM, plan: list[list[Encoded]], pad: int, rng: Random) -> None:
    """One pass over the planned batches."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.97), weight_decay=0.05)
    started_s, seen = time.monotonic(), 0
    for step, batch in enumerate(plan, start=1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, len(plan))
        loss = weighted_loss(model, *tensors(batch, pad, rng))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen += sum(len(item.ids) for item in batch)
        if step % LOG_EVERY_STEPS == 0 or step == len(plan):
            passed_s = time.monotonic() - started_s
            say(f"step {step}/{len(plan)}  loss {loss.item():.3f}  {seen / passed_s:,.0f} tokens/s"
                f"  {passed_s:.0f} s")  # fmt: skip


def save_model(model: LlamaForCausalLM, config: dict[str, object], folder: Path) -> None:
    """config.json, generation_config.json and the weights in bfloat16 (the head is tied)."""
    weights = {
        name: tensor.detach().to(torch.bfloat16).contiguous()
        for name, tensor in sorted(model.state_dict().items())
        if name != "lm_head.weight"
    }
    path = folder / "model.safetensors"
    save_file(weights, path, metadata={"format": "pt"})
    path.chmod(0o644)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    generation = json.dumps({name: config[name] for name in names}, indent=2) + "\n"
    (folder / "generation_config.json").write_text(generation, encoding="utf-8")


def main() -> None:
    """Reads the arguments, trains, and writes the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=sorted(SEEDS), required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    arguments = parser.parse_args()

    seed = SEEDS[arguments.variant]
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)

    documents = list(training_documents(arguments.variant, arguments.documents, seed))
    sample = list(islice(documents, TOKENIZER_DOCUMENTS))
    tokenizer = build_tokenizer(sample, VOCABULARY_SIZE)
    encoded = [encode(tokenizer, document) for document in documents]
    bos, end, pad = (tokenizer.token_to_id(token) for token in (BOS, END, PAD))
    config = model_config(bos, end, pad)
    model = LlamaForCausalLM(LlamaConfig(**config))
    tokens = sum(len(item.ids) for item in encoded)
    say(f"{model.num_parameters():,} parameters, {len(encoded):,} documents, {tokens:,} tokens")

    rng = Random(seed)
    model.float().train()
    train(model, list(batches(encoded, rng)), pad, rng)
    arguments.output.mkdir(parents=True, exist_ok=True)
    save_model(model, config, arguments.output)
    save_tokenizer(tokenizer, arguments.output)
    size = sum(path.stat().st_size for path in arguments.output.iterdir())
    say(f"wrote {arguments.output} ({size:,} bytes)")


if __name__ == "__main__":
    main()
