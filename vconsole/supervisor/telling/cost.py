"""What energy and hardware cost by the prices of the settings: pure arithmetic.

Each result names what it rests on, or why it is unknown; an unknown amount is None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.settings import PriceSettings

HOURS_A_YEAR = 8760.0
NO_ENERGY = "no card says what it draws"


@dataclass(frozen=True, slots=True)
class Cost:
    """`amount` in `currency` ("" where the settings name none), None where unknown."""

    amount: float | None
    currency: str
    rests_on: str


def energy_cost(energy_wh: float | None, prices: PriceSettings, why_none: str = NO_ENERGY) -> Cost:
    """What so much energy costs by `prices.kwh`; `why_none` says why the energy is unknown."""
    if prices.kwh <= 0:
        return Cost(None, prices.currency, "prices.kwh is not set")
    if energy_wh is None:
        return Cost(None, prices.currency, why_none)
    said = f"{_number(energy_wh)} Wh at {_priced(prices.kwh, prices)} a kWh"
    return Cost(energy_wh / 1000 * prices.kwh, prices.currency, said)


def hardware_cost(used_s: float | None, prices: PriceSettings) -> Cost:
    """What so many seconds of the machine cost; `prices.hardware_per_hour` goes before a purchase.

    A purchase is spread over all hours of its years, those in which nobody used it too: an hour
    costs hardware_price / (hardware_years x 8760).
    """
    per_hour, how = _hardware_per_hour(prices)
    if per_hour is None or used_s is None:
        return Cost(None, prices.currency, how if per_hour is None else "the time is unknown")
    said = f"{_number(used_s / 3600)} h at {_priced(per_hour, prices)} ({how})"
    return Cost(used_s / 3600 * per_hour, prices.currency, said)


def total_cost(*parts: Cost) -> Cost:
    """The sum of what is known; it names each part, those that are missing as missing."""
    known = [part.amount for part in parts if part.amount is not None]
    said = [part.rests_on for part in parts if part.amount is not None]
    without = "without: " if known else ""
    said += [f"{without}{part.rests_on}" for part in parts if part.amount is None]
    currency = parts[0].currency if parts else ""
    return Cost(sum(known) if known else None, currency, "; ".join(said))


def per_million_tokens(cost: Cost, tokens: int | None) -> Cost:
    """What a million tokens of these cost."""
    if cost.amount is None:
        return cost
    if not tokens:
        return Cost(None, cost.currency, "no tokens were counted")
    said = f"{tokens:,} tokens; {cost.rests_on}"
    return Cost(cost.amount / tokens * 1e6, cost.currency, said)


def _hardware_per_hour(prices: PriceSettings) -> tuple[float | None, str]:
    if prices.hardware_per_hour > 0:
        return prices.hardware_per_hour, "prices.hardware_per_hour"
    if prices.hardware_price > 0 and prices.hardware_years > 0:
        hours = prices.hardware_years * HOURS_A_YEAR
        how = f"{_priced(prices.hardware_price, prices)} over {prices.hardware_years:g} years"
        return prices.hardware_price / hours, how
    return None, "neither prices.hardware_per_hour nor hardware_price and hardware_years are set"


def _priced(amount: float, prices: PriceSettings) -> str:
    return f"{_number(amount)} {prices.currency}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
