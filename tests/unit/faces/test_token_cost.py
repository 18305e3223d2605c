"""What tokens cost at the present pace, against numbers worked by hand."""

from __future__ import annotations

import pytest

from vconsole.engine.metrics.figures import Metrics
from vconsole.settings import PriceSettings
from vconsole.tui.rows.token_cost import million_tokens_cost

# 1,000,000 tokens at 5 a joule are 200,000 J, which are 55.5556 Wh; at 1,000 a second, 0.27778 h.
PACE = Metrics(generation_tokens_per_s=1000, tokens_per_joule=5)


@pytest.mark.parametrize(
    ("metrics", "prices", "amount"),
    [
        (PACE, PriceSettings(kwh=0.36), 0.02),
        (PACE, PriceSettings(hardware_per_hour=1.8), 0.5),
        (PACE, PriceSettings(kwh=0.36, hardware_per_hour=1.8), 0.52),
        (Metrics(generation_tokens_per_s=1000), PriceSettings(kwh=0.36), None),
        (Metrics(generation_tokens_per_s=1000), PriceSettings(0.36, 1.8), 0.5),
        (Metrics(generation_tokens_per_s=0, tokens_per_joule=5), PriceSettings(0.36, 1.8), None),
        (PACE, PriceSettings(), None),
    ],
)
def test_energy_and_machine_are_added_where_known(
    metrics: Metrics, prices: PriceSettings, amount: float | None
) -> None:
    found = million_tokens_cost(metrics, prices)
    assert found == (None if amount is None else pytest.approx(amount))
