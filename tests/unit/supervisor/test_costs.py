"""Cost by request, job, million tokens and month, against hand-worked numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vconsole.cli.watching.level_lines import cost_lines, money
from vconsole.requests.batch.model import BatchSpec, Phase, Progress
from vconsole.settings import PriceSettings
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.telling.cost import Cost
from vconsole.supervisor.telling.costs import costs_of

PRICES = PriceSettings(kwh=0.4, hardware_per_hour=1.5, currency="EUR")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# Two hours of serving; 500 Wh in 100 of its minutes.
DAY = Totals(7200.0, 0.0, 2_000_000.0, 0.0, {"stop": 900.0, "length": 100.0}, 500.0, 100)


def job(tokens: int, started: bool = True) -> JobStatus:
    begun = NOW - timedelta(hours=1) if started else None
    spec = BatchSpec("/in.jsonl", "/out.jsonl")
    progress = Progress(Phase.DONE, generation_tokens=tokens)
    more = (0, 1.0, None, NOW, begun, NOW, None, spec, "", "", progress)
    return JobStatus("b1", "batch", "done", "main", None, *more)


def test_by_request_by_million_tokens_and_by_month() -> None:
    found = costs_of(DAY, PRICES, (), lambda *_: Totals())
    # 0.5 kWh at 0.40, two hours at 1.50.
    assert found.total.amount == pytest.approx(3.2)
    assert found.per_request.amount == pytest.approx(0.0032)
    assert found.per_million_tokens.amount == pytest.approx(1.6)
    # 300 W for 730 hours at 0.40, and 730 hours at 1.50.
    assert found.month.amount == pytest.approx(0.3 * 730 * 0.4 + 730 * 1.5)
    assert "1,000 requests" in found.per_request.rests_on
    assert "100 minutes" in found.month.rests_on


def test_a_job_costs_its_share_of_the_tokens_while_it_ran() -> None:
    asked: list[tuple[float, float, str | None]] = []

    def sum_up(*span: object) -> Totals:
        asked.append(span)  # type: ignore[arg-type]
        return DAY

    (found,) = costs_of(DAY, PRICES, (job(500_000),), sum_up).jobs
    assert found.cost.amount == pytest.approx(3.2 / 4)
    assert "25%" in found.cost.rests_on
    assert asked == [((NOW - timedelta(hours=1)).timestamp(), NOW.timestamp(), "main")]
    assert costs_of(DAY, PRICES, (job(1, started=False),), sum_up).jobs == ()


def test_what_is_unknown_says_why() -> None:
    free = costs_of(DAY, PriceSettings(), (job(5),), lambda *_: DAY)
    assert free.total.amount is None
    assert "prices.kwh is not set" in free.total.rests_on
    assert free.jobs[0].cost.amount is None
    (line,) = cost_lines(free)
    assert line.startswith("  cost     — ")
    dark = Totals(3600.0, finished={"stop": 2.0})
    tariff = PriceSettings(kwh=0.4)
    assert "no card says" in costs_of(dark, tariff, (), lambda *_: DAY).month.rests_on
    short = Totals(60.0, energy_wh=1.0, energy_minutes=1)
    assert "10 are needed" in costs_of(short, tariff, (), lambda *_: DAY).month.rests_on
    quiet = costs_of(Totals(3600.0), PRICES, (job(5),), lambda *_: Totals(3600.0))
    assert quiet.per_request.rests_on == "no request was finished"
    assert quiet.per_million_tokens.amount is None
    assert quiet.jobs[0].cost.rests_on == "no tokens were counted while it ran"


def test_small_amounts_keep_their_digits() -> None:
    assert money(Cost(0.000321, "EUR", "")) == "0.000321 EUR"
    assert money(Cost(1234.5, "EUR", "")) == "1,234.50 EUR"
    assert money(Cost(None, "EUR", "why")) == "— (why)"
