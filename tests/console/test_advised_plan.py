"""What the question before advised flags says of the plan, over a real model's files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.console import figures_of_the_sketches as sketches
from vconsole import paths
from vconsole.engine.metrics.figures import Metrics
from vconsole.models.fit.plan import Band, Plan, Verdict
from vconsole.supervisor.model import Status
from vconsole.tui.advice.expected import plan_sentence, plan_with

GIB = 2**30
DEMO = paths.resources_dir() / "demo_models" / "demo-lark"


def serving(model: str, flags: tuple[str, ...] = ()) -> Status:
    status = sketches.ready(Path("x.log"))
    return replace(status, server=replace(status.server, model=model, flags=flags))


def tokens(plan: Plan | None) -> int:
    assert plan is not None
    assert plan.kv_cache_tokens is not None
    return plan.kv_cache_tokens.value


def test_a_change_of_flags_changes_the_plan() -> None:
    status = serving(str(DEMO), ("--gpu-memory-utilization", "0.9"))
    as_it_is, halved = plan_with(status, ()), plan_with(status, ("--kv-cache-dtype", "fp8"))
    assert 1.9 < tokens(halved) / tokens(as_it_is) < 2.1
    shorter = plan_with(status, ("--max-model-len", "512"))
    assert shorter is not None
    assert shorter.max_model_len == 512


def test_what_the_server_holds_is_free_for_the_next_start() -> None:
    """14 of 16 GiB are used, most by the server that is to end."""
    plan = plan_with(serving(str(DEMO)), ())
    assert plan is not None
    assert plan.kv_cache_bytes is not None
    assert plan.kv_cache_bytes.value > 8 * GIB


def test_a_model_that_is_not_here_is_not_planned() -> None:
    status = serving("somebody/else")
    assert plan_with(status, ()) is None
    assert "knows too little" in plan_sentence(None, status)


def test_the_sentence_sets_the_plan_beside_what_is_now() -> None:
    status = replace(serving("m"), metrics=Metrics(kv_cache_tokens=46_700))
    band = Band(93_400, 90_000, 97_000)
    plan = Plan(Verdict.FITS, kv_cache_tokens=band, max_model_len=8192, max_concurrency=11.4)
    assert plan_sentence(plan, status) == (
        "The plan: fits; 93,400 KV tokens, 90,000 to 97,000 (now 46,700), "
        "requests of up to 8,192 tokens, 11 of them at once."
    )
    assert plan_sentence(Plan(Verdict.UNKNOWN), status) == "The plan: unknown."
