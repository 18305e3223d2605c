"""What a token costs on either side, and whether it costs less."""

from __future__ import annotations

from dataclasses import replace

from vconsole.requests.bench.compare import compare
from vconsole.requests.bench.model import Measured
from vconsole.supervisor.proving.model import Claim, Evidence, Leg, Verdict
from vconsole.supervisor.proving.saying import against, missing, repeats_of, shown, verdict_of
from vconsole.supervisor.telling.cost import (
    energy_cost,
    hardware_cost,
    per_million_tokens,
    total_cost,
)

J_PER_WH = 3600.0


def cost_claim(evidence: Evidence) -> Claim:
    rival = evidence.rival.name if evidence.rival else "Ollama"
    claim = Claim("cost", f"A token costs less than with {rival}", Verdict.NOT_RUN)
    if why := missing(evidence, Leg.BATCHED, Leg.RIVAL_BATCHED):
        return replace(claim, figures=why)
    prices = evidence.prices
    if hardware_cost(1, prices).amount is None and prices.kwh <= 0:
        why = "no price is set: [prices] hardware_per_hour or hardware_price, and kwh"
        return replace(claim, verdict=Verdict.NOT_SHOWN, figures=why)
    ours, other = evidence.series[Leg.BATCHED], evidence.series[Leg.RIVAL_BATCHED]
    if None in (*(price := [cost_per_million(evidence, one) for one in (*ours, *other)]),):
        why = "the energy is unknown here and no price of the hardware is set"
        return replace(claim, verdict=Verdict.NOT_SHOWN, figures=why)
    cheap = [_by_money(one, cost) for one, cost in zip((*ours, *other), price, strict=True)]
    found = compare(cheap[len(ours) :], cheap[: len(ours)], interleaved=evidence.interleaved)
    unit = f"{prices.currency or 'money'} per million tokens"
    of_what = _of_what(evidence)
    figures = against(ours, other, lambda one: cost_per_million(evidence, one), unit, 3)
    rests = f"{of_what}; {repeats_of(ours, other)}; the ratio is of tokens for the money"
    return shown(claim, found, verdict_of(found), figures, rests)


def cost_per_million(evidence: Evidence, one: Measured) -> float | None:
    """What a million generated tokens cost at this load; None where nothing is known of it.

    The hardware's hours and the energy, by the tokens. Energy counts where it was measured on both
    sides, so that both are asked for the same.
    """
    energy_wh = (one.energy_j or 0.0) / J_PER_WH if _energy_known(evidence) else None
    hardware = hardware_cost(one.duration_s, evidence.prices)
    both = total_cost(hardware, energy_cost(energy_wh, evidence.prices))
    return per_million_tokens(both, one.generation_tokens).amount or None


def _of_what(evidence: Evidence) -> str:
    if not _energy_known(evidence):
        return "hardware alone"
    has_hours = hardware_cost(1, evidence.prices).amount is not None
    return "hardware and energy" if has_hours else "energy alone"


def _energy_known(evidence: Evidence) -> bool:
    both = (*evidence.series[Leg.BATCHED], *evidence.series[Leg.RIVAL_BATCHED])
    return bool(evidence.prices.kwh) and all(one.energy_j is not None for one in both)


def _by_money(one: Measured, cost: float | None) -> Measured:
    """The same with tokens for the money in the place of tokens for the time."""
    return replace(one, generation_tokens_per_s=1 / cost if cost else 0.0)
