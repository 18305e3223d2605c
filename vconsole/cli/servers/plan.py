"""A plan as a start shows it: the verdict, what it would give, and each flag with its reason."""

from __future__ import annotations

from collections.abc import Iterator

from vconsole.cli.output import say
from vconsole.models.fit.plan import Band, Plan, Verdict
from vconsole.supervisor.model import Operation

GIB = 2**30


def plan_lines(plan: Plan) -> Iterator[str]:
    """The verdict with its figures on one line, then reasons and flags."""
    figures = [
        _size("weights", plan.weights_bytes),
        _size("KV cache", plan.kv_cache_bytes),
        f"{plan.kv_cache_tokens.value:,} tokens" if plan.kv_cache_tokens else None,
        _requests(plan),
    ]
    yield "  ".join([f"plan     {plan.verdict}", *(figure for figure in figures if figure)])
    if plan.verdict is not Verdict.FITS:
        yield from (f"         {sentence}" for sentence in plan.why)
    for flag in plan.flags:
        yield f"         {' '.join(flag.arguments):<36}  {flag.why}"


class PlanPrinter:
    """Prints the plan of an operation on stderr, once it is there."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, operation: Operation | None) -> None:
        if operation is None or operation.plan is None or self._told:
            return
        self._told = True
        for line in plan_lines(operation.plan):
            say(line)


def _size(name: str, band: Band | None) -> str | None:
    return f"{name} {band.value / GIB:.1f} GiB" if band else None


def _requests(plan: Plan) -> str | None:
    if plan.max_concurrency is None or plan.max_model_len is None:
        return None
    return f"{plan.max_concurrency:.1f} requests of {plan.max_model_len:,}"
