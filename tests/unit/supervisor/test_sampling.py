"""One second of one server, and what a joule gave, against hand-worked numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from vconsole.engine.metrics.figures import Metrics
from vconsole.host.readings import Gpu
from vconsole.supervisor.memory.power import PowerWindow
from vconsole.supervisor.memory.sampling import sample_of, with_efficiency

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GIB = 2**30


def test_load_is_a_mean_of_the_cards_and_all_else_their_sum() -> None:
    cards = [
        Gpu(0, utilization=0.5, power_w=200.0, memory_used_bytes=10 * GIB),
        Gpu(1, utilization=1.0, power_w=300.0, memory_used_bytes=12 * GIB),
    ]
    sample = sample_of(NOW, Metrics(batch_size=7.5, requests_per_s=2.0), cards)
    assert (sample.gpu_utilization, sample.gpu_power_w) == (0.75, 500)
    assert sample.gpu_memory_used_bytes == 22 * GIB
    assert (sample.batch_size, sample.requests_per_s) == (7.5, 2)


def test_a_card_that_does_not_say_makes_the_whole_unknown() -> None:
    sample = sample_of(NOW, Metrics(), [Gpu(0, power_w=200.0), Gpu(1)])
    assert (sample.gpu_power_w, sample.gpu_utilization) == (None, None)
    assert sample_of(NOW, Metrics(), []).gpu_memory_used_bytes is None


def test_tokens_per_joule_are_of_the_same_five_seconds() -> None:
    power, card = PowerWindow(), Gpu(0)
    for second, watts in enumerate((900.0, 900.0, 100.0, 200.0, 300.0, 200.0, 200.0)):
        power.add(float(second), [Gpu(0, power_w=watts)])
    # At 6 s the readings of 1 s to 6 s count: 900, 100, 200, 300, 200, 200.
    drawn_w = power.mean_w([card])
    assert drawn_w == 1900 / 6
    found = with_efficiency(Metrics(generation_tokens_per_s=950.0), drawn_w)
    assert found.tokens_per_joule == 3.0


def test_without_power_or_tokens_there_are_no_tokens_per_joule() -> None:
    power = PowerWindow()
    assert power.mean_w([]) is None
    assert power.mean_w([Gpu(0)]) is None
    power.add(0.0, [Gpu(0, power_w=250.0), Gpu(1)])
    assert power.mean_w([Gpu(0)]) == 250
    assert power.mean_w([Gpu(0), Gpu(1)]) is None
    power.add(1.0, [Gpu(0)])
    assert power.mean_w([Gpu(0)]) is None
    busy = Metrics(generation_tokens_per_s=100.0)
    assert with_efficiency(busy, None) == with_efficiency(busy, 0.0) == busy
    assert with_efficiency(Metrics(), 250.0) == Metrics()
