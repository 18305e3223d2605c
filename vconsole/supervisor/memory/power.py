"""What the cards drew in the last seconds: the same span that rates of tokens are means of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from vconsole.engine.metrics.rates import RATE_WINDOW_S
from vconsole.host.readings import Gpu


class PowerWindow:
    """Remembers five seconds of each card. Instants are monotonic seconds of the caller."""

    def __init__(self) -> None:
        self._readings: dict[int, deque[tuple[float, float]]] = {}

    def add(self, now_s: float, gpus: Iterable[Gpu]) -> None:
        for gpu in gpus:
            readings = self._readings.setdefault(gpu.index, deque())
            if gpu.power_w is None:
                readings.clear()
                continue
            readings.append((now_s, gpu.power_w))
            while readings[0][0] < now_s - RATE_WINDOW_S:
                readings.popleft()

    def mean_w(self, gpus: Sequence[Gpu]) -> float | None:
        """The mean power of these cards together; None without cards, or where one is silent."""
        readings = [self._readings.get(gpu.index) for gpu in gpus]
        known = [sum(power for _, power in each) / len(each) for each in readings if each]
        return sum(known) if known and len(known) == len(readings) else None
