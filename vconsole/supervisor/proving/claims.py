"""From evidence to claims: each confirmed or refuted beyond the noise only, else not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vconsole.requests.bench.compare import compare, value_of
from vconsole.requests.bench.model import Measured
from vconsole.supervisor.proving.cost import cost_claim
from vconsole.supervisor.proving.model import Claim, Evidence, Leg, Verdict
from vconsole.supervisor.proving.saying import (
    against,
    answer_tokens,
    missing,
    repeats_of,
    shown,
    verdict_of,
)

GIB = 2**30
# What is told of vLLM against Ollama, and here put to the test.
TOLD_LOW, TOLD_HIGH = 10.0, 50.0
ALIKE_SHARE = 0.1
TOKENS, TTFT, E2E = "generation_tokens_per_s", "ttft_ms", "e2e_ms"
UNITS = {TOKENS: "tokens/s", TTFT: "ms TTFT", E2E: "ms E2E"}
RESTS = {TOKENS: "throughput", TTFT: "median TTFT", E2E: "median E2E"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two legs in one figure; `other` is what ours is compared with.

    `{n}` in the text is how many requests are sent at once, `{rival}` the other server.
    """

    id: str
    text: str
    ours: Leg
    other: Leg
    figure: str


THROUGHPUT = Pair(
    "throughput",
    "With {n} requests at once it generates more tokens per second than {rival}",
    *(Leg.BATCHED, Leg.RIVAL_BATCHED, TOKENS),
)
AGAINST_RIVAL = (
    Pair(
        "throughput_single",
        "One at a time it generates more tokens per second than {rival}",
        *(Leg.SINGLE, Leg.RIVAL_SINGLE, TOKENS),
    ),
    Pair(
        "latency_first_token",
        "One at a time the first token comes sooner than {rival}'s",
        *(Leg.SINGLE, Leg.RIVAL_SINGLE, TTFT),
    ),
    Pair(
        "latency_batched",
        "With {n} requests at once an answer is complete sooner than {rival}'s",
        *(Leg.BATCHED, Leg.RIVAL_BATCHED, E2E),
    ),
)
GAINS = (
    Pair(
        "prefix_caching",
        "Prefix caching brings the first token sooner where a prompt was seen before",
        *(Leg.PREFIX_WARM, Leg.PREFIX_COLD, TTFT),
    ),
    Pair(
        "flashinfer",
        "FlashInfer's sampler generates more tokens per second than vLLM's own",
        *(Leg.SAMPLING, Leg.SAMPLING_WITHOUT, TOKENS),
    ),
    Pair(
        "cuda_graphs",
        "CUDA graphs generate more tokens per second than eager mode",
        *(Leg.GRAPHS, Leg.EAGER, TOKENS),
    ),
)


def claims(evidence: Evidence) -> tuple[Claim, ...]:
    """Every claim, also those that could not be put to the test."""
    return (
        _of_pair(evidence, THROUGHPUT),
        _as_told(evidence, THROUGHPUT),
        *(_of_pair(evidence, pair) for pair in AGAINST_RIVAL),
        cost_claim(evidence),
        _memory(evidence),
        *(_of_pair(evidence, pair) for pair in GAINS),
    )


def _of_pair(evidence: Evidence, pair: Pair) -> Claim:
    rival = evidence.rival.name if evidence.rival else "Ollama"
    text = pair.text.format(n=evidence.concurrency, rival=rival)
    claim = Claim(pair.id, text, Verdict.NOT_RUN)
    if why := missing(evidence, pair.ours, pair.other):
        return replace(claim, figures=why)
    ours, other = evidence.series[pair.ours], evidence.series[pair.other]
    found = compare(other, ours, pair.figure, interleaved=_interleaved(evidence, pair))
    figures = against(ours, other, lambda one: value_of(one, pair.figure), UNITS[pair.figure])
    rests = _rests(evidence, pair, RESTS[pair.figure])
    verdict = verdict_of(found)
    if pair.figure == E2E and (unlike := _unlike_lengths(ours, other)):
        # Whoever says less is through sooner.
        verdict, figures = Verdict.NOT_SHOWN, f"{figures}; {unlike}"
    return shown(claim, found, verdict, figures, rests)


def _unlike_lengths(ours: Sequence[Measured], other: Sequence[Measured]) -> str | None:
    """Words where the answers are not of one length, within a tenth."""
    a, b = answer_tokens(ours), answer_tokens(other)
    if not a or not b or abs(a / b - 1) <= ALIKE_SHARE:
        return None
    return f"answers of {a:.0f} and {b:.0f} tokens cannot be compared so"


def _as_told(evidence: Evidence, pair: Pair) -> Claim:
    """Confirmed from 10 times on, over the whole interval."""
    claim = Claim("ten_to_fifty", "It is 10 to 50 times as fast, as is told", Verdict.NOT_RUN)
    if why := missing(evidence, pair.ours, pair.other):
        return replace(claim, figures=why)
    ours, other = evidence.series[pair.ours], evidence.series[pair.other]
    found = compare(other, ours, pair.figure, interleaved=_interleaved(evidence, pair))
    verdict = Verdict.NOT_SHOWN
    if found.low is not None and found.high is not None:
        if found.low >= TOLD_LOW:
            verdict = Verdict.CONFIRMED
        elif found.high < TOLD_LOW:
            verdict = Verdict.REFUTED
    more = f", more than {TOLD_HIGH:.0f}" if found.low and found.low > TOLD_HIGH else ""
    figures = "" if found.ratio is None else f"{found.ratio:.2f} times{more}"
    rests = _rests(evidence, pair, RESTS[pair.figure])
    return shown(claim, found, verdict, figures, rests)


def _memory(evidence: Evidence) -> Claim:
    rival = evidence.rival.name if evidence.rival else "Ollama"
    claim = Claim("memory", f"It needs no more memory than {rival}", Verdict.NOT_RUN)
    if evidence.rival is None:
        return replace(claim, figures=evidence.missing.get(Leg.RIVAL_BATCHED, ""))
    ours, other = evidence.ours, evidence.rival
    if ours.memory_bytes is None or other.memory_bytes is None:
        who = ours.name if ours.memory_bytes is None else other.name
        return replace(claim, verdict=Verdict.NOT_SHOWN, figures=f"{who}'s memory is unknown")
    verdict = Verdict.CONFIRMED if ours.memory_bytes <= other.memory_bytes else Verdict.REFUTED
    return replace(
        claim,
        verdict=verdict,
        figures=f"{ours.memory_bytes / GIB:.2f} against {other.memory_bytes / GIB:.2f} GiB",
        ratio=ours.memory_bytes / other.memory_bytes if other.memory_bytes else None,
        rests_on=f"one reading each: {ours.held}; of {other.name} {other.held}",
    )


def _interleaved(evidence: Evidence, pair: Pair) -> bool:
    """Cold and warm follow each other always; what needs another start never does."""
    if pair.other is Leg.PREFIX_COLD:
        return True
    return evidence.interleaved and pair.other in (Leg.RIVAL_SINGLE, Leg.RIVAL_BATCHED)


def _rests(evidence: Evidence, pair: Pair, what: str) -> str:
    ours, other = evidence.series[pair.ours], evidence.series[pair.other]
    turns = "in turns" if _interleaved(evidence, pair) else "one after the other"
    return f"{what}; {repeats_of(ours, other)}, {turns}"
