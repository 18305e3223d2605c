"""A plan in full: as promised keys for programs, and for people with a bar of the card's memory."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec

from vconsole.models.fit.plan import Band, Plan
from vconsole.supervisor.models.fitting import FitAnswer

GIB = 2**30
WIDTH = 80
BAR = 60
BANDS = (
    *("weights_bytes", "kv_bytes_per_token", "overhead_bytes"),
    *("kv_cache_bytes", "kv_cache_tokens"),
)


def as_data(answer: FitAnswer, explain: bool) -> dict[str, Any]:
    """The keys of `fit --json`; a predicted number has its bounds beside it."""
    plan = answer.plan
    data: dict[str, Any] = {"model": answer.subject.name, "verdict": str(plan.verdict)}
    for name in BANDS:
        band: Band | None = getattr(plan, name)
        data[name] = band.value if band else None
        data[f"{name}_low"] = band.low if band else None
        data[f"{name}_high"] = band.high if band else None
    data |= {
        "max_concurrency": plan.max_concurrency,
        "max_model_len": plan.max_model_len,
        "tensor_parallel": plan.tensor_parallel,
        "flags": msgspec.to_builtins(plan.flags),
        "why": list(plan.why),
        "validated_on": list(plan.validated_on),
        "variant": plan.variant,
        "card": msgspec.to_builtins(answer.card),
        "engine_version": answer.engine_version,
    }
    if explain:
        data["formulas"] = msgspec.to_builtins(plan.formulas)
    return data


def report_lines(answer: FitAnswer, explain: bool) -> Iterator[str]:
    """The same for people, in 80 columns."""
    plan, card = answer.plan, answer.card
    cards = f"{plan.tensor_parallel} x " if plan.tensor_parallel > 1 else ""
    yield f"{answer.subject.name} on {cards}{card.name}"
    version = f", vLLM {answer.engine_version}" if answer.engine_version else ""
    yield f"{card.total_bytes / GIB:.1f} GiB, {card.free_bytes / GIB:.1f} free{version}"
    yield ""
    yield f"verdict       {plan.verdict}"
    yield from _wrapped(plan.why, 14)
    if plan.variant:
        yield from _wrapped((f"{plan.variant} is the same model and fits",), 14)
    yield from _figures(plan)
    if bar := memory_bar(answer):
        yield ""
        yield from bar
    if plan.flags:
        yield ""
        yield "flags"
        for flag in plan.flags:
            yield f"  {' '.join(flag.arguments)}"
            yield from _wrapped((flag.why,), 6)
    if explain:
        yield from _explained(plan)
    if plan.validated_on:
        yield ""
        yield from _wrapped(("tried on " + "; ".join(plan.validated_on),), 0)


def _figures(plan: Plan) -> Iterator[str]:
    for name, band in (
        ("weights", plan.weights_bytes),
        ("overhead", plan.overhead_bytes),
        ("KV cache", plan.kv_cache_bytes),
    ):
        if band:
            yield f"{name:<14}{_gib_band(band)}"
    if band := plan.kv_cache_tokens:
        bounds = "" if band.low == band.high else f"  ({band.low:,} to {band.high:,})"
        yield f"{'KV tokens':<14}{band.value:,}{bounds}"
    if plan.kv_bytes_per_token:
        yield f"{'per token':<14}{plan.kv_bytes_per_token.value:,} bytes"
    if plan.max_concurrency is not None and plan.max_model_len:
        yield f"{'requests':<14}{plan.max_concurrency:.1f} of {plan.max_model_len:,} tokens"


def memory_bar(answer: FitAnswer) -> list[str]:
    """The card's memory as the start would leave it; empty where nothing is predicted."""
    plan, card = answer.plan, answer.card
    if not (plan.weights_bytes and plan.overhead_bytes and plan.kv_cache_bytes):
        return []
    taken = 0 if card.is_cpu else card.total_bytes - card.free_bytes
    parts = (
        ("█", "weights", plan.weights_bytes.value),
        ("▓", "overhead", plan.overhead_bytes.value),
        ("▒", "KV cache", max(0, plan.kv_cache_bytes.value)),
        ("#", "others", taken),
    )
    whole = max(card.total_bytes, sum(size for _, _, size in parts))
    cells = [round(size / whole * BAR) for _, _, size in parts]
    drawn = "".join(glyph * count for (glyph, _, _), count in zip(parts, cells, strict=True))
    legend = "  ".join(f"{glyph} {name}" for glyph, name, size in parts if size)
    over = "  over" if whole > card.total_bytes else ""
    return [f"[{drawn[:BAR]:·<{BAR}}] {whole / GIB:.1f} GiB{over}", f" {legend}"]


def _gib_band(band: Band) -> str:
    text = f"{band.value / GIB:.2f} GiB"
    if band.low == band.high:
        return text
    return f"{text}  ({band.low / GIB:.2f} to {band.high / GIB:.2f})"


def _explained(plan: Plan) -> Iterator[str]:
    yield ""
    for formula in plan.formulas:
        yield formula.name
        yield from _wrapped((formula.text, f"from {formula.source}"), 2)


def _wrapped(sentences: tuple[str, ...], indent: int) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(
            sentence, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent
        )
