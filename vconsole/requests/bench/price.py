"""What tokens cost: the energy that was measured, and the hour of the machine."""

from __future__ import annotations

from vconsole.requests.bench.points import Point
from vconsole.settings import PriceSettings

J_PER_KWH = 3.6e6
MILLION, HOUR_S = 1e6, 3600.0


def per_million_tokens(point: Point, prices: PriceSettings) -> float | None:
    """Of generated tokens, in the settings' currency; None where nothing has a price.

    With a price of energy and none of the machine the energy has to have been measured.
    """
    rate = point.rate("generation_tokens_per_s")
    if not rate:
        return None
    joules = point.energy_j_per_token
    energy = joules * MILLION / J_PER_KWH * prices.kwh if joules is not None else None
    machine = prices.hardware_per_hour * MILLION / rate / HOUR_S
    if prices.kwh > 0 and energy is None:
        return None
    return (energy or 0.0) + machine if prices.kwh > 0 or prices.hardware_per_hour > 0 else None


def wh_per_million_tokens(point: Point) -> float | None:
    joules = point.energy_j_per_token
    return None if joules is None else joules * MILLION / HOUR_S
