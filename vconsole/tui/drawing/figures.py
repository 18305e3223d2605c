"""Numbers as the console writes them: fixed forms, so that columns do not jump; None is `—`."""

from __future__ import annotations

import math
from datetime import datetime

UNKNOWN = "—"
GIB = 1024**3


def count(value: float | None) -> str:
    """`1,842`; one decimal below ten where there is a fraction."""
    if value is None:
        return UNKNOWN
    if 0 < value < 10 and value != int(value):
        return f"{value:.1f}"
    return f"{value:,.0f}"


def compact(value: float | None) -> str:
    """`950`, `46.7k`, `1.2M`."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            scaled = value / limit
            return (
                f"{scaled:.0f}{unit}"
                if scaled >= 100
                else f"{scaled:.1f}".rstrip("0").rstrip(".") + unit
            )
    return count(value)


def rate(value: float | None) -> str:
    """A rate per second: one decimal below a hundred."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share * 100:.0f} %"


def latency(milliseconds: float | None) -> str:
    """`8.4 ms`, `82 ms`, `2.1 s`, `41 s`."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return seconds(milliseconds / 1000)


def seconds(value: float | None) -> str:
    """`2.1 s`, `41 s`, `3m 20s`."""
    if value is None:
        return UNKNOWN
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 119.5:
        return f"{value:.0f} s"
    return f"{int(value) // 60}m {int(value) % 60:02d}s"


def about(value: float) -> str:
    """An estimate in whole seconds, at least one: `48 s`, `3m 20s`."""
    whole = max(1, round(value))
    return f"{whole} s" if whole < 120 else f"{whole // 60}m {whole % 60:02d}s"


def span(value: float | None) -> str:
    """A long duration in minutes: `<1m`, `12m`, `3h 12m`, `2d 4h`."""
    if value is None:
        return UNKNOWN
    minutes = int(value) // 60
    if minutes < 1:
        return "<1m"
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours < 48 else f"{hours // 24}d {hours % 24}h"


def window(value: float) -> str:
    """The length of a time axis: `30 s`, `10 min`, `1 h`, `1 d`."""
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.0f} h" if value < 86_400 else f"{value / 86_400:.0f} d"


def age(value: float) -> str:
    """How long ago, coarse: `12 s`, `3 min`, `2 h`."""
    if value < 60:
        return f"{max(0, int(value))} s"
    return f"{int(value) // 60} min" if value < 3600 else f"{int(value) // 3600} h"


def money(amount: float | None, currency: str) -> str:
    """`1,204.50 EUR`; three digits of an amount below 0.1, `0.00031 EUR`."""
    if amount is None:
        return UNKNOWN
    if amount >= 0.1 or amount == 0:
        return f"{amount:,.2f} {currency}".rstrip()
    digits = 2 - math.floor(math.log10(amount)) if amount > 0 else 2
    return f"{amount:.{min(digits, 9)}f} {currency}".rstrip()


def gib(size_bytes: float | None) -> str:
    return UNKNOWN if size_bytes is None else f"{size_bytes / GIB:.1f}"


def clock(at: datetime) -> str:
    """Local time in minutes."""
    return at.astimezone().strftime("%H:%M")


def clock_seconds(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")


def plural(number: float, one: str, many: str | None = None) -> str:
    """`1 request`, `3 requests`."""
    return f"{number:,.0f} {one if number == 1 else many or one + 's'}"
