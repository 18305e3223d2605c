"""How each promise of the service level is kept: made of what was counted minute by minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vconsole.monitoring.budget import (
    PERIOD_S,
    SLOWER_THAN_P95,
    WINDOWS_S,
    Counted,
    alarm,
    budget_left,
    burn_rate,
)
from vconsole.settings import ServiceLevelSettings

TTFT, ITL, ERRORS = "ttft_p95_ms", "itl_p95_ms", "error_ratio"
NAMES = (TTFT, ITL, ERRORS)
TITLES = {TTFT: "TTFT p95", ITL: "ITL p95", ERRORS: "errors"}
WHAT = {TTFT: "requests", ITL: "tokens", ERRORS: "answers"}
HOW = {TTFT: "had their first token later", ITL: "came later", ERRORS: "were a 5xx"}
FEWEST = 20
CountLevels = Callable[[str, float, float], Mapping[str, Counted]]


@dataclass(frozen=True, slots=True)
class Level:
    """One promise of one server: the share `allowed` may break `target` (ms, or a share).

    `total` and `bad` are of the last 30 days; `burn` is by window (1 spends the budget in 30 days);
    `alarm` is `fast` or `slow` where windows of two lengths burn so. `state` is `kept`, `burning`,
    `spent` or `unknown`; `rests_on` says on what all this rests, or why it is unknown.
    """

    server: str
    name: str
    target: float
    allowed: float
    total: float = 0.0
    bad: float = 0.0
    budget_left: float | None = None
    burn: dict[str, float | None] = field(default_factory=dict)
    alarm: str | None = None
    state: str = "unknown"
    rests_on: str = ""


def make_levels(
    server: str, targets: ServiceLevelSettings, count: CountLevels, now_s: float
) -> tuple[Level, ...]:
    """The three promises of a server; `count` sums up a span of Unix time and reads the disk."""
    month = count(server, now_s - PERIOD_S, now_s)
    windows = {word: count(server, now_s - span_s, now_s) for word, span_s in WINDOWS_S.items()}
    return tuple(
        _level(server, name, targets, month, {word: of[name] for word, of in windows.items()})
        for name in NAMES
    )


def allowed_share(name: str, targets: ServiceLevelSettings) -> float:
    return targets.error_ratio if name == ERRORS else SLOWER_THAN_P95


def _level(
    server: str,
    name: str,
    targets: ServiceLevelSettings,
    month: Mapping[str, Counted],
    windows: Mapping[str, Counted],
) -> Level:
    target, allowed, counted = getattr(targets, name), allowed_share(name, targets), month[name]
    if target <= 0:
        return Level(server, name, target, allowed, rests_on="nothing is promised: the target is 0")
    if counted.total <= 0:
        why = f"vLLM counted no {WHAT[name]} in the last 30 days"
        return Level(server, name, target, allowed, rests_on=why)
    burn = {word: burn_rate(of, allowed) for word, of in windows.items()}
    left = budget_left(counted, allowed)
    rings = alarm(burn) if counted.total >= FEWEST else None
    return Level(
        server=server,
        name=name,
        target=target,
        allowed=allowed,
        total=counted.total,
        bad=counted.bad,
        budget_left=left,
        burn=burn,
        alarm=rings.word if rings else None,
        state=_state(left, counted, rings is not None),
        rests_on=_rests_on(name, counted),
    )


def _state(left: float | None, counted: Counted, rings: bool) -> str:
    if left is None:
        return "unknown"
    if left <= 0 and counted.total >= FEWEST:
        return "spent"
    return "burning" if rings else "kept"


def _rests_on(name: str, counted: Counted) -> str:
    few = f", too few for an alarm (below {FEWEST})" if counted.total < FEWEST else ""
    return (
        f"{counted.total:,.0f} {WHAT[name]} of the last 30 days in vLLM's own counters, "
        f"{counted.bad:,.0f} {HOW[name]}{few}"
    )
