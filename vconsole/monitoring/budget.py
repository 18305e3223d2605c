"""Error budgets: how much of what may go wrong is left, and how fast it goes. Pure arithmetic.

After chapter 5, "Alerting on SLOs", of The Site Reliability Workbook (Google, 2018): at a burn rate
of 1 the budget of a period is spent in exactly that period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PERIOD_S = 30 * 86_400.0
# A target for the 95th percentile lets 5 of 100 be slower.
SLOWER_THAN_P95 = 0.05


@dataclass(frozen=True, slots=True)
class Counted:
    """What was promised something, and how many of them did not get it."""

    total: float = 0.0
    bad: float = 0.0

    @property
    def bad_share(self) -> float | None:
        """None where nothing was counted."""
        return self.bad / self.total if self.total > 0 else None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Both windows burn at `burn` or faster: the long one that it matters, the short that it lasts.

    The workbook's table of recommended parameters: 2 % of the budget in an hour, 5 % in six hours,
    10 % in three days; the short window is a twelfth of the long one.
    """

    word: str
    burn: float
    long: str
    short: str


WINDOWS_S = {"5m": 300.0, "30m": 1800.0, "1h": 3600.0, "6h": 21_600.0, "3d": 259_200.0}
ALARMS = (
    Alarm("fast", 14.4, "1h", "5m"),
    Alarm("fast", 6.0, "6h", "30m"),
    Alarm("slow", 1.0, "3d", "6h"),
)


def burn_rate(counted: Counted, allowed: float) -> float | None:
    """The share that was bad by the share that may be; None where nothing was counted."""
    share = counted.bad_share
    return None if share is None or allowed <= 0 else share / allowed


def budget_left(counted: Counted, allowed: float) -> float | None:
    """1 - bad / (allowed x total): 1 is untouched, 0 is spent, below 0 is overdrawn."""
    burnt = burn_rate(counted, allowed)
    return None if burnt is None else 1.0 - burnt


def alarm(burn: Mapping[str, float | None]) -> Alarm | None:
    """The most urgent alarm that these burn rates, by window, set off."""
    for one in ALARMS:
        long, short = burn.get(one.long), burn.get(one.short)
        if long is not None and short is not None and min(long, short) >= one.burn:
            return one
    return None


def lasts_s(burn: float | None, left: float | None) -> float | None:
    """Seconds until a budget is spent that goes on to burn so; None where it does not burn."""
    if burn is None or left is None or burn <= 0:
        return None
    return max(0.0, left) * PERIOD_S / burn
