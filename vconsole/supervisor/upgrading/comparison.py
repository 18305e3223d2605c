"""Two engines' speeds held against each other, so that noise is not taken for slowness.

Each figure is the best of a few rounds of one visit, since others only ever slow a round down. How
far the visits of one engine lie apart is how much the machine itself varies.
"""

from __future__ import annotations

from dataclasses import dataclass

# What a user would notice; less is not worth another look.
SLOWER_IS_TOLD = 0.75
# With less than half of the processors to themselves, both are timed by the others' work.
BUSY = 0.5


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tokens per second of each visit; `busy` is the most that others used of the processors."""

    old: tuple[float, ...]
    new: tuple[float, ...]
    busy: float = 0.0

    @property
    def needs_another_look(self) -> bool:
        """Whether the new one seems slower, after one visit to each."""
        return min(len(self.old), len(self.new)) < 2 and self._is_below(max(self.old))

    @property
    def is_slower(self) -> bool:
        """Whether the new one at its best is clearly slower than the old one at its worst."""
        return self._is_below(min(self.old))

    @property
    def is_judged(self) -> bool:
        return self.busy <= BUSY

    @property
    def words(self) -> str:
        return f"{_span(self.new)} tokens/s, {_span(self.old)} with the current one"

    def _is_below(self, old: float) -> bool:
        return max(self.new) < old * SLOWER_IS_TOLD


def _span(speeds: tuple[float, ...]) -> str:
    least, most = f"{min(speeds):,.0f}", f"{max(speeds):,.0f}"
    return most if least == most else f"{least} to {most}"
