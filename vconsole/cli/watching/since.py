"""`--since T`: an age such as `2h`, a date such as `2026-11-23`, or an instant as of RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from vconsole.errors import ExitCode, VConsoleError

AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])\Z", re.ASCII)
UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_since(text: str, now: datetime) -> datetime:
    """The instant in UTC; a date or a time without a zone is local. `VConsoleError` otherwise."""
    try:
        at = _age(text, now) or datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _wrong(f"--since {text!r} is no time") from error
    if at > now:
        raise _wrong(f"--since {text!r} has not come yet")
    return at


def _age(text: str, now: datetime) -> datetime | None:
    found = AGE.match(text.strip().lower())
    return now - timedelta(seconds=float(found[1]) * UNIT_S[found[2]]) if found else None


def _wrong(message: str) -> VConsoleError:
    return VConsoleError(
        message,
        "give an age (30m, 2h, 3d, 1w), a date (2026-11-23) or an instant (2026-11-23T08:00:00Z)",
        ExitCode.USAGE,
    )
