"""Benches as the screen shows them: one beside Ollama, one that runs, one that was cancelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tests.console import figures_of_the_sketches as sketches
from vconsole.requests.batch.model import BatchSpec, Phase, Progress
from vconsole.requests.bench import kept
from vconsole.requests.bench.kept import Answer, Answered, Bench, BenchState
from vconsole.requests.bench.model import (
    ClientShare,
    Load,
    Measured,
    Percentiles,
    ServerView,
    ServiceLevel,
    Target,
)
from vconsole.requests.bench.plan import BenchSpec, Facts, HostFacts
from vconsole.supervisor.jobs.model import JobStatus

LEVEL = ServiceLevel(1000.0, 100.0)
TARGETS = (Target("main", ""), Target("ollama", "http://127.0.0.1:11434", "mistral:7b"))
HOST = HostFacts("gpu-box", "AMD Ryzen 9 7950X", 32, 64 << 30, ("RTX 4080",), "Linux 6.8")
FACTS = {
    "main": Facts(
        "main",
        "http://127.0.0.1:8000",
        "mistral-7b-instruct",
        "0.32.0",
        "cuda",
        flags=("--max-num-seqs", "64"),
    ),
    "ollama": Facts("ollama", "http://127.0.0.1:11434", "mistral:7b"),
}
# Tokens per second and time to the first token of each, at 1, 8 and 32 requests at once.
SPEEDS = {"main": ((71.0, 31.0), (498.0, 64.0), (1420.0, 190.0)),
          "ollama": ((62.0, 48.0), (148.0, 1210.0), (151.0, 6900.0))}  # fmt: skip
WOBBLE = {"main": (1.0, 1.015, 0.99), "ollama": (1.01, 0.98, 1.0)}
OUTPUT_TOKENS = 64


def percentiles(middle: float) -> Percentiles:
    return Percentiles(middle, middle * 1.6, middle * 2.1, middle * 1.1)


def measured(target: str, load: Load, repeat: int, speed: tuple[float, float]) -> Measured:
    tokens_per_s, ttft_ms = speed[0] * WOBBLE[target][repeat], speed[1] / WOBBLE[target][repeat]
    itl_ms = 1000.0 * (load.concurrency or 1) / tokens_per_s * 0.9
    tokens = load.requests * OUTPUT_TOKENS
    seconds = tokens / tokens_per_s
    e2e = percentiles(ttft_ms + itl_ms * (OUTPUT_TOKENS - 1))
    late = "it used 91% of a core: the server may be faster than shown"
    return Measured(
        target=target,
        url=FACTS[target].url,
        model=str(FACTS[target].model),
        load=load,
        requests=load.requests,
        failed=0,
        duration_s=seconds,
        requests_per_s=tokens_per_s / OUTPUT_TOKENS,
        generation_tokens_per_s=tokens_per_s,
        prompt_tokens_per_s=tokens_per_s * 2,
        prompt_tokens=tokens * 2,
        generation_tokens=tokens,
        ttft_ms=percentiles(ttft_ms),
        itl_ms=percentiles(itl_ms),
        tpot_ms=percentiles(itl_ms * 1.02),
        e2e_ms=e2e,
        client=ClientShare(0.3, 1.2, late if load.concurrency == 32 and repeat == 2 else None),
        begun_at=sketches.NOW - timedelta(hours=2),
        level=LEVEL,
        goodput_per_s=tokens_per_s / OUTPUT_TOKENS * (0.98 if ttft_ms < 1000 else 0.1),
        good_share=0.98,
        server=None
        if target == "ollama"
        else ServerView(
            percentiles(ttft_ms * 0.9),
            percentiles(itl_ms * 0.97),
            e2e,
            requests_running_max=float(load.concurrency or 1),
            kv_cache_usage_max=0.02 * (load.concurrency or 1),
            prefix_cache_hit_rate=0.0,
            preemptions=0.0,
        ),
        energy_j=seconds * 240.0 if target == "main" else None,
        repeat=repeat,
    )


def bench(id: str, spec: BenchSpec, begun_at: datetime, done: int | None = None) -> Bench:
    """With its first `done` measurements, or all of them."""
    found = [
        measured(name, load, repeat, SPEEDS[name][at])
        for repeat in range(spec.repeats_each)
        for at, load in enumerate(spec.loads)
        for name in spec.contenders
    ]
    return Bench(
        id,
        spec,
        begun_at,
        BenchState.DONE,
        begun_at + timedelta(minutes=6),
        HOST,
        {name: FACTS[name] for name in spec.contenders},
        "random words, 128 in, 64 out",
        tuple(found[:done]),
    )


def beside_ollama() -> Bench:
    spec = BenchSpec(TARGETS, level=LEVEL, answers=1, note="after the move")
    answered = Answered(
        "capital",
        "What is the capital of Italy? One word.",
        (
            Answer("main", "Rome", "stop", 1.0, "as the reference"),
            Answer("ollama", "It is Rome, of course.", "stop", 0.33, "like the reference"),
        ),
        "Rome",
    )
    found = bench("m2", spec, sketches.NOW - timedelta(hours=2))
    return replace(found, answered=(answered,))


def alone() -> Bench:
    """As beside Ollama, a day earlier and slower."""
    found = bench("m1", BenchSpec(TARGETS[:1], level=LEVEL), sketches.NOW - timedelta(days=1))
    slower = tuple(
        replace(one, generation_tokens_per_s=one.generation_tokens_per_s * 0.8)
        for one in found.measured
    )
    facts = {"main": replace(FACTS["main"], version="0.31.0")}
    return replace(found, measured=slower, facts=facts)


def cancelled() -> Bench:
    found = bench("m3", BenchSpec(TARGETS[:1], level=LEVEL), sketches.NOW - timedelta(hours=1), 4)
    words = "it was cancelled; what was measured is kept"
    return replace(found, state=BenchState.CANCELLED, note=words)


def running() -> Bench:
    begun = sketches.NOW - timedelta(minutes=2)
    found = bench("m4", BenchSpec(TARGETS, level=LEVEL), begun, 7)
    return replace(found, state=BenchState.RUNNING, ended_at=None)


def job(bench: Bench, id: str, state: str, progress: Progress | None = None) -> JobStatus:
    output = str(kept.path_of(bench.id))
    return JobStatus(
        id=id,
        kind="bench",
        state=state,
        server="main",
        url=None,
        priority=1000,
        weight=1.0,
        not_before=None,
        created_at=bench.begun_at,
        started_at=bench.begun_at,
        ended_at=bench.ended_at,
        pid=4712 if state == "running" else None,
        spec=BatchSpec(f"bench {bench.id}", output),
        errors="",
        log_path=f"state/jobs/{id}/job.log",
        progress=progress,
        note="ollama, 8 at once, 2 of 3" if state == "running" else None,
    )


def keep_all() -> tuple[JobStatus, ...]:
    """Keep the four; their jobs, the newest first."""
    benches = (running(), cancelled(), beside_ollama(), alone())
    for one in benches:
        kept.keep(one)
    far = Progress(Phase.RUNNING, total=1056, completed=372, eta_s=190.0, seconds=104.0)
    states = ("running", "cancelled", "done", "done")
    return tuple(
        job(one, f"b{9 - at}", state, far if state == "running" else None)
        for at, (one, state) in enumerate(zip(benches, states, strict=True))
    )
