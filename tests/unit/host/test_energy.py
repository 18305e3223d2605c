"""Energy of the cards, against hand-worked numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.host.readings import Gpu
from vconsole.supervisor.memory.energy import EnergyMeter


def test_a_counter_is_believed_before_the_power() -> None:
    meter = EnergyMeter()
    assert meter.drawn_wh(0, [Gpu(0, energy_j=100.0, power_w=500.0)]) is None
    assert meter.drawn_wh(1, [Gpu(0, energy_j=460.0, power_w=500.0)]) == pytest.approx(0.1)
    assert meter.drawn_wh(2, [Gpu(0, energy_j=5.0, power_w=500.0)]) == 0.0


def test_power_counts_for_its_time_and_not_for_a_suspension() -> None:
    meter = EnergyMeter()
    meter.drawn_wh(0, [Gpu(0, power_w=360.0), Gpu(1)])
    assert meter.drawn_wh(2, [Gpu(0, power_w=360.0), Gpu(1)]) == pytest.approx(0.2)
    assert meter.drawn_wh(3602, [Gpu(0, power_w=360.0)]) == pytest.approx(0.5)


def test_cards_add_up_and_no_card_is_unknown() -> None:
    meter = EnergyMeter()
    cards = [Gpu(0, uuid="a", power_w=36.0), Gpu(1, uuid="b", power_w=72.0)]
    meter.drawn_wh(0, cards)
    assert meter.drawn_wh(1, cards) == pytest.approx(0.03)
    assert meter.drawn_wh(2, [Gpu(0, uuid="a"), Gpu(1, uuid="b", state="lost")]) is None
    assert meter.drawn_wh(3, []) is None


FIGURES = st.none() | st.floats(0, 1e12)


@given(st.lists(st.tuples(st.floats(0, 1e6), FIGURES, FIGURES), max_size=20))
def test_no_reading_makes_it_negative(
    readings: list[tuple[float, float | None, float | None]],
) -> None:
    meter, now_s = EnergyMeter(), 0.0
    for step_s, energy_j, power_w in readings:
        now_s += step_s
        drawn = meter.drawn_wh(now_s, [Gpu(0, energy_j=energy_j, power_w=power_w)])
        assert drawn is None or drawn >= 0
