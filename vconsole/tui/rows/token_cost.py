"""What a million generated tokens cost at the present pace, by the prices of the settings."""

from __future__ import annotations

from vconsole.engine.metrics.figures import Metrics
from vconsole.settings import PriceSettings

MILLION = 1e6
SECONDS_AN_HOUR = 3600.0


def million_tokens_cost(metrics: Metrics, prices: PriceSettings) -> float | None:
    """Energy and machine time together, those of both that are known; None where neither is.

    A joule gives `tokens_per_joule`, a paid second of the machine `generation_tokens_per_s`.
    """
    if not metrics.generation_tokens_per_s:
        return None
    from vconsole.supervisor.telling.cost import energy_cost, hardware_cost, total_cost

    joule = metrics.tokens_per_joule
    energy_wh = MILLION / joule / SECONDS_AN_HOUR if joule else None
    used_s = MILLION / metrics.generation_tokens_per_s
    return total_cost(energy_cost(energy_wh, prices), hardware_cost(used_s, prices)).amount
