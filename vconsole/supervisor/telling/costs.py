"""What a request, a job, a million tokens and a month cost: measured energy, and prices.

The energy is that of all cards of this host, of their own counters where they have them (NVML's
nvmlDeviceGetTotalEnergyConsumption), else of their power once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from vconsole.settings import PriceSettings
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.telling.cost import (
    HOURS_A_YEAR,
    Cost,
    energy_cost,
    hardware_cost,
    per_million_tokens,
    total_cost,
)

HOURS_A_MONTH = HOURS_A_YEAR / 12
FEWEST_MINUTES = 10
SumUp = Callable[[float, float, str | None], Totals]


@dataclass(frozen=True, slots=True)
class JobCost:
    """What a job cost: of all that was spent while it ran, its share of the generated tokens."""

    job: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a span of time: all of it, by what was served in it, and a month that goes on like it."""

    total: Cost
    per_request: Cost
    per_million_tokens: Cost
    month: Cost
    jobs: tuple[JobCost, ...] = ()


def costs_of(
    totals: Totals, prices: PriceSettings, jobs: Iterable[JobStatus], sum_up: SumUp
) -> Costs:
    """`sum_up` reads the disk, once for each job that has sent requests."""
    total = spent(totals, prices)
    return Costs(
        total=total,
        per_request=per_request(total, round(sum(totals.finished.values()))),
        per_million_tokens=per_million_tokens(total, round(totals.generation_tokens)),
        month=a_month(totals, prices),
        jobs=tuple(
            JobCost(job.id, cost) for job in jobs if (cost := job_cost(job, prices, sum_up))
        ),
    )


def spent(totals: Totals, prices: PriceSettings) -> Cost:
    """Energy, and the hours in which something was served."""
    energy = energy_cost(totals.energy_wh, prices)
    return total_cost(energy, hardware_cost(totals.serving_s, prices))


def per_request(cost: Cost, requests: int) -> Cost:
    if cost.amount is None:
        return cost
    if not requests:
        return Cost(None, cost.currency, "no request was finished")
    said = f"{requests:,} requests; {cost.rests_on}"
    return Cost(cost.amount / requests, cost.currency, said)


def a_month(totals: Totals, prices: PriceSettings) -> Cost:
    """730 hours at the mean power that was measured; the machine costs whether it serves or not."""
    energy_wh, why = None, "no card says what it draws"
    if totals.energy_wh is not None and totals.energy_minutes < FEWEST_MINUTES:
        why = f"{totals.energy_minutes} minutes were measured; {FEWEST_MINUTES} are needed"
    elif totals.energy_wh is not None:
        energy_wh = totals.energy_wh / totals.energy_minutes * 60 * HOURS_A_MONTH
    energy = energy_cost(energy_wh, prices, why)
    if energy.amount is not None:
        measured = f"the mean of {totals.energy_minutes:,} minutes that were measured"
        energy = replace(energy, rests_on=f"{energy.rests_on}, {measured}")
    return total_cost(energy, hardware_cost(HOURS_A_MONTH * 3600, prices))


def job_cost(job: JobStatus, prices: PriceSettings, sum_up: SumUp) -> Cost | None:
    """None of a job that has not begun, or whose server is not ours."""
    if job.started_at is None or job.progress is None or job.url is not None:
        return None
    until = job.ended_at or datetime.now(UTC)
    totals = sum_up(job.started_at.timestamp(), until.timestamp(), job.server)
    all_of_it = spent(totals, prices)
    if all_of_it.amount is None:
        return all_of_it
    if totals.generation_tokens <= 0:
        return Cost(None, all_of_it.currency, "no tokens were counted while it ran")
    share = min(1.0, job.progress.generation_tokens / totals.generation_tokens)
    said = f"{share:.0%} of the tokens generated while it ran; {all_of_it.rests_on}"
    return Cost(all_of_it.amount * share, all_of_it.currency, said)
