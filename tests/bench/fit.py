"""The planner against starts of real servers: how far off, by architecture and by card.

In part cross-validated: an offset of the overhead (by version of vLLM) is the median residual of
all sources but the one that is judged. The form of the overhead and its other constants were chosen
on these same starts, so errors on others will be larger. The KV cache is judged with the printed
weights.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from statistics import median, quantiles

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table
from tests.bench.starts import GIB, Start, load_starts
from vconsole.models.fit.defaults import TOKENS_BY_REQUESTS, version_of
from vconsole.models.fit.kv_blocks import kv_pool
from vconsole.models.fit.plan import Verdict

MEDIAN_GOAL, P90_GOAL, WEIGHTS_GOAL, PLAN_GOAL_MS = 5.0, 12.0, 1.5, 5.0
# A start that no plan was made of counts as this far off, in percent.
MISS = 100.0
LEAST_SOURCES = 5


def measure(ground: Ground) -> Table:
    """Needs no server."""
    starts = load_starts()
    errors = _kv_errors(starts)
    every = [error for _, error in errors]
    figures = [
        _worst("bytes per token, worst", _token_errors(starts), 0.1),
        _middle("weights, median", _weights_errors(starts), WEIGHTS_GOAL),
        _ninth("weights, p90", _weights_errors(starts), None),
        _middle("KV tokens, median", every, MEDIAN_GOAL),
        _ninth("KV tokens, p90", every, P90_GOAL),
        _middle("KV, each source counted once", _by_source(errors), MEDIAN_GOAL),
        _middle("KV, version taken away", _untold_errors(starts), MEDIAN_GOAL),
        _ninth("KV, version taken away, p90", _untold_errors(starts), None),
        *_by(errors, "architecture", lambda start: _architecture(start)),
        *_by(errors, "card", lambda start: _card_class(start)),
        *_matrix(starts),
        Figure("a plan", "ms", _plan_times_ms(starts), PLAN_GOAL_MS),
    ]
    groups = len({start.group for start in starts})
    how = (
        f"{len(starts)} starts from {groups} sources, overhead offset from the "
        "other sources, constants chosen on these; "
        "errors in percent, a start without a plan counts as a miss"
    )
    return Table("fit", how, tuple(figures))


def _kv_errors(starts: Iterable[Start]) -> list[tuple[Start, float]]:
    """Percent by which the KV cache is off where weights are known, each source left out."""
    scored = [one for one in starts if one.scores("available") and one.is_good]
    scored = [one for one in scored if one.residual_bytes() is not None]
    found = []
    for one in scored:
        others = [other for other in scored if other.group != one.group]
        offset = _offset([other for other in others if _era(other) == _era(one)])
        off = one.overhead_bytes() + offset - (one.residual_bytes() or 0)
        found.append((one, abs(off / GIB / one.told["kv_gib"] * 100)))
    return [(one, MISS if _is_unknown(one) else error) for one, error in found]


def _is_unknown(start: Start) -> bool:
    plan = start.plan()
    return plan is None or plan.verdict is Verdict.UNKNOWN


def _untold_errors(starts: Iterable[Start]) -> list[float]:
    """The same where the version is taken from those that told it; nothing is fitted here."""
    found = []
    for one in starts:
        residual = one.residual_bytes()
        if residual is None or not one.scores("available") or not one.is_good:
            continue
        told = {name: value for name, value in one.told.items() if name != "vllm"}
        off = replace(one, told=told).overhead_bytes() - residual
        found.append(abs(off / GIB / one.told["kv_gib"] * 100))
    return found


def _by_source(errors: Iterable[tuple[Start, float]]) -> list[float]:
    """The middle error of each source, since many rows of one machine are one experience."""
    groups: dict[str, list[float]] = defaultdict(list)
    for start, error in errors:
        groups[start.group].append(error)
    return [median(each) for each in groups.values()]


def _offset(others: list[Start]) -> float:
    """The middle residual; none where too few sources are left to say one."""
    if len({other.group for other in others}) < LEAST_SOURCES:
        return 0.0
    return median([(o.residual_bytes() or 0) - o.overhead_bytes() for o in others])


def _era(start: Start) -> tuple[bool, bool]:
    version = version_of(start.told.get("vllm"))
    return version.known, version >= TOKENS_BY_REQUESTS


def _token_errors(starts: Iterable[Start]) -> list[float]:
    """Percent by which blocks of the printed size differ from the printed tokens."""
    found = []
    for one in starts:
        if not one.scores("tokens") or "kv_gib" not in one.told or "kv_tokens" not in one.told:
            continue
        pool = kv_pool(one.facts, one.setting)
        if pool is None:
            found.append(MISS)
            continue
        length = one.setting.max_model_len
        bounds = [pool.tokens(int((one.told["kv_gib"] + e) * GIB), length) for e in (-0.006, 0.006)]
        tokens = one.told["kv_tokens"]
        off = max(bounds[0] - tokens, tokens - bounds[1], 0)
        found.append(off / tokens * 100)
    return found


def _weights_errors(starts: Iterable[Start]) -> list[float]:
    """Percent by which the weights are off, counted from the configuration alone."""
    found = []
    for one in starts:
        if one.scores("weights") and not one.is_offloaded and (size := one.weights_bytes()):
            found.append(abs(size / GIB / one.told["weights_gib"] - 1) * 100)
    return found


def _matrix(starts: Iterable[Start]) -> list[Figure]:
    """How many good and failing starts got each verdict."""
    counts: dict[tuple[bool, str], int] = defaultdict(int)
    for one in starts:
        plan = one.plan()
        if plan is not None and (one.is_good or one.scores("failure")):
            counts[one.is_good, plan.verdict] += 1
    return [
        Figure(
            f"{'good' if good else 'failing'} starts called `{verdict}`",
            "",
            (float(counts[good, verdict]),),
            0.0 if verdict is (Verdict.TOO_BIG if good else Verdict.FITS) else None,
        )
        for good in (True, False)
        for verdict in Verdict
    ]


def _plan_times_ms(starts: Iterable[Start]) -> tuple[float, ...]:
    took = []
    for one in starts:
        if one.card is not None:
            begun_s = time.perf_counter()
            one.plan()
            took.append((time.perf_counter() - begun_s) * 1000)
    return tuple(took)


def _architecture(start: Start) -> str:
    return "MoE" if start.facts.experts else start.facts.family


def _card_class(start: Start) -> str:
    total = start.card.total_bytes / GIB if start.card else 0
    return next(name for most, name in CARD_CLASSES if total <= most)


CARD_CLASSES = ((17, "to 16 GB"), (25, "24 GB"), (50, "32 to 48 GB"), (1e9, "80 GB and more"))


def _by(errors: list[tuple[Start, float]], what: str, name_of: object) -> list[Figure]:
    assert callable(name_of)
    parts: dict[str, list[float]] = defaultdict(list)
    for start, error in errors:
        parts[name_of(start)].append(error)
    return [Figure(f"KV, {what} {name}", "%", tuple(parts[name])) for name in sorted(parts)]


def _middle(name: str, values: list[float], goal: float | None) -> Figure:
    return Figure(name, "%", tuple(values), goal)


def _ninth(name: str, values: list[float], goal: float | None) -> Figure:
    return Figure(name, "%", (quantiles(values, n=10)[8],), goal)


def _worst(name: str, values: list[float], goal: float | None) -> Figure:
    return Figure(name, "%", (max(values),), goal)
