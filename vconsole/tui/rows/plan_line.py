"""A plan on one line: the verdict in its colour, weights, KV cache, tokens."""

from __future__ import annotations

from vconsole.models.fit.plan import Plan, Verdict
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, line

ROLES = {
    Verdict.FITS: Role.GOOD,
    Verdict.TIGHT: Role.WARN,
    Verdict.TOO_BIG: Role.BAD,
    Verdict.UNKNOWN: Role.DIM,
}


def plan_line(plan: Plan, glyphs: Glyphs) -> Line:
    """What the plan expects of a start."""
    between = f" {glyphs.between} "
    facts = [
        f"weights {figures.gib(plan.weights_bytes.value)} GiB" if plan.weights_bytes else None,
        f"KV cache {figures.gib(plan.kv_cache_bytes.value)} GiB" if plan.kv_cache_bytes else None,
        f"{plan.kv_cache_tokens.value:,} tokens" if plan.kv_cache_tokens else None,
    ]
    text = between.join(fact for fact in facts if fact)
    return line(
        ("plan  ", Role.DIM), (str(plan.verdict), ROLES[plan.verdict]), f"  {text}" if text else ""
    )
