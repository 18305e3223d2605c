"""Cost against hand-worked numbers: each says what it rests on, and unknown is never nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.settings import PriceSettings
from vconsole.supervisor.telling.cost import (
    energy_cost,
    hardware_cost,
    per_million_tokens,
    total_cost,
)

PRICES = PriceSettings(kwh=0.4, hardware_per_hour=1.5, currency="EUR")
BOUGHT = PriceSettings(hardware_price=8760.0, hardware_years=4.0, currency="EUR")
FREE = PriceSettings()


def test_energy_and_hours_at_their_price() -> None:
    energy, hours = energy_cost(250.0, PRICES), hardware_cost(7200.0, PRICES)
    assert energy.amount == pytest.approx(0.1)
    assert energy.rests_on == "250 Wh at 0.4 EUR a kWh"
    assert hours.amount == pytest.approx(3.0)
    assert hours.rests_on == "2 h at 1.5 EUR (prices.hardware_per_hour)"
    assert total_cost(energy, hours).amount == pytest.approx(3.1)


def test_a_purchase_is_spread_over_all_hours_of_its_years() -> None:
    found = hardware_cost(3600.0, BOUGHT)
    assert found.amount == pytest.approx(0.25)
    assert found.rests_on == "1 h at 0.25 EUR (8,760 EUR over 4 years)"
    rented = PriceSettings(hardware_per_hour=2.0, hardware_price=1.0)
    assert hardware_cost(3600.0, rented).amount == 2.0


def test_what_is_unknown_says_why() -> None:
    assert energy_cost(None, PRICES, "no NVIDIA driver").rests_on == "no NVIDIA driver"
    assert energy_cost(250.0, FREE).amount is None
    assert "prices.kwh" in energy_cost(250.0, FREE).rests_on
    assert hardware_cost(3600.0, FREE).amount is None
    assert hardware_cost(None, PRICES).rests_on == "the time is unknown"
    half = total_cost(energy_cost(None, PRICES), hardware_cost(3600.0, PRICES))
    assert half.amount == pytest.approx(1.5)
    assert "without: no card says what it draws" in half.rests_on
    assert total_cost(energy_cost(None, FREE), hardware_cost(1.0, FREE)).amount is None


def test_a_million_tokens() -> None:
    found = per_million_tokens(energy_cost(1000.0, PRICES), 200_000)
    assert found.amount == pytest.approx(2.0)
    assert found.rests_on == "200,000 tokens; 1,000 Wh at 0.4 EUR a kWh"
    assert per_million_tokens(energy_cost(1000.0, PRICES), 0).rests_on == "no tokens were counted"
    assert per_million_tokens(energy_cost(None, PRICES), 5).amount is None


MONEY = st.floats(0, 1e6)


@given(MONEY, MONEY, MONEY, MONEY, st.none() | st.floats(0, 1e9), st.floats(0, 1e9))
def test_no_price_makes_it_negative_or_fail(
    kwh: float, per_hour: float, price: float, years: float, energy_wh: float | None, used_s: float
) -> None:
    prices = PriceSettings(kwh, per_hour, price, years)
    parts = energy_cost(energy_wh, prices), hardware_cost(used_s, prices)
    whole = total_cost(*parts)
    known = [part.amount for part in parts if part.amount is not None]
    assert whole.amount == (pytest.approx(sum(known)) if known else None)
    assert whole.amount is None or whole.amount >= 0
    assert whole.rests_on
