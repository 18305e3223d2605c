"""What the cards drew between two readings: by their own energy counters, else by their power."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vconsole.host.readings import Gpu

J_PER_WH = 3600.0
# A longer pause was a suspended machine or a debugger: the last power says nothing of it.
LONGEST_POWERED_S = 5.0


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    energy_j: float | None


class EnergyMeter:
    """Remembers the last reading of each card. Instants are monotonic seconds of the caller."""

    def __init__(self) -> None:
        self._last: dict[str | int, _Reading] = {}

    def drawn_wh(self, now_s: float, gpus: Iterable[Gpu]) -> float | None:
        """What all cards drew since each was last read; None where no card says."""
        found = [drawn for gpu in gpus if (drawn := self._of_card(now_s, gpu)) is not None]
        return sum(found) / J_PER_WH if found else None

    def _of_card(self, now_s: float, gpu: Gpu) -> float | None:
        key = gpu.uuid or gpu.index
        last = self._last.get(key)
        self._last[key] = _Reading(now_s, gpu.energy_j)
        if last is None:
            return None
        if gpu.energy_j is not None and last.energy_j is not None:
            # It begins at 0 again when the driver is loaded anew.
            return max(0.0, gpu.energy_j - last.energy_j)
        if gpu.power_w is None:
            return None
        return gpu.power_w * min(LONGEST_POWERED_S, now_s - last.at_s)
