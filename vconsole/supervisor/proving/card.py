"""From a journal to the report card: its claims, what they come to, and what to know of them."""

from __future__ import annotations

from datetime import UTC, datetime

from vconsole.requests.bench.model import Measured
from vconsole.requests.bench.plan import HostFacts
from vconsole.settings import PriceSettings
from vconsole.supervisor.proving.claims import claims
from vconsole.supervisor.proving.journal import Journal
from vconsole.supervisor.proving.model import Card, Claim, Evidence, Leg, Verdict
from vconsole.supervisor.proving.saying import ends

UNLIKE_TOKENS = 0.1


def card_of(journal: Journal, prices: PriceSettings, made_at: datetime | None = None) -> Card:
    """The card of what was measured so far."""
    evidence = evidence_of(journal, prices)
    found = claims(evidence)
    return Card(
        ours=evidence.ours,
        rival=evidence.rival,
        host=host_words(journal.header.host),
        made_at=made_at or datetime.now(UTC),
        claims=found,
        notes=tuple(_notes(journal, evidence)),
        workload=evidence.workload,
        answer=_answer(evidence, found),
    )


def evidence_of(journal: Journal, prices: PriceSettings) -> Evidence:
    header, (ours, rival) = journal.header, journal.sides
    return Evidence(
        ours=ours,
        rival=rival,
        series=journal.series,
        missing=journal.missing,
        concurrency=header.subject.load.concurrency or header.subject.load.requests,
        interleaved=header.rival is None or header.rival.beside,
        workload=header.subject.workload,
        prices=prices,
    )


def host_words(host: HostFacts) -> str:
    machine = ", ".join(host.gpus) or f"{host.processor}, {host.cores} cores, no GPU"
    return f"{host.name or 'this host'}: {machine}"


def _answer(evidence: Evidence, found: tuple[Claim, ...]) -> str:
    """Whether it was worth it, by the throughput of many at once: what vLLM is made for."""
    many = next(claim for claim in found if claim.id == "throughput")
    rival = evidence.rival.name if evidence.rival else "Ollama"
    n = evidence.concurrency
    if many.ratio is None or many.verdict is Verdict.NOT_RUN:
        return f"Not measured against {rival}: {many.figures or 'nothing was'}"
    times = f"{many.ratio:.2f} times {rival}'s tokens per second with {n} requests at once"
    if many.low is not None and many.high is not None:
        times += f" {ends(many.low, many.high)}"
    words = {Verdict.CONFIRMED: "Yes", Verdict.REFUTED: "No"}
    return f"{words.get(many.verdict, 'Not shown')}: {times}"


def _notes(journal: Journal, evidence: Evidence) -> list[str]:
    """What makes a figure less than it looks."""
    header, rival = journal.header, evidence.rival
    said = list(header.notes)
    if rival is not None and not evidence.interleaved:
        name = header.subject.server
        said.append(f"{name} rested while {rival.name} was measured, and was started again after")
    if header.ollama.models:
        said.append(f"Ollama's {', '.join(header.ollama.models)} made room and was given back")
    said += _unlike_prompts(evidence)
    measured = [one for series in evidence.series.values() for one in series]
    if limited := [one.client.limited for one in measured if one.client.limited]:
        count = f"{len(limited)} of {len(measured)} measurements"
        said.append(f"the client was the limit in {count}; the first: {limited[0]}")
    if others := round(sum(map(_of_others, measured))):
        said.append(f"{header.subject.server} answered {others:,} requests of others meanwhile")
    if failed := sum(one.failed for one in measured):
        first = next(one.first_failure for one in measured if one.first_failure)
        said.append(f"{failed} requests failed; the first: {first}")
    return said


def _unlike_prompts(evidence: Evidence) -> list[str]:
    """Two tokenizers make different numbers of tokens of one text, and tokens/s are of tokens."""
    ours, other = (_read(evidence.series.get(leg, ())) for leg in (Leg.BATCHED, Leg.RIVAL_BATCHED))
    if not ours or not other or abs(ours / other - 1) <= UNLIKE_TOKENS:
        return []
    return [
        f"the same prompts are {ours:.0f} tokens to one and {other:.0f} to the other: "
        "tokens are each server's own"
    ]


def _of_others(one: Measured) -> float:
    """Requests that the server counted and we did not send; of Ollama nothing is known."""
    counted = one.server.requests if one.server else None
    return max(0.0, counted - one.requests) if counted else 0.0


def _read(series: tuple[Measured, ...]) -> float | None:
    good = sum(one.requests - one.failed for one in series)
    return sum(one.prompt_tokens for one in series) / good if good else None
