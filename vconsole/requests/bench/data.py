"""A bench as programs read it: the object of `--json`, and CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from vconsole.requests.bench.comparing import Compared, differences, overall
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.model import Measured, ServerView
from vconsole.requests.bench.points import Point, points
from vconsole.requests.bench.price import per_million_tokens, wh_per_million_tokens
from vconsole.requests.bench.words import warnings
from vconsole.settings import PriceSettings


def csv_text(bench: Bench) -> str:
    """One line a measurement, every figure in a column of its own."""
    flat = [_flat(one) for one in bench.measured]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(flat[0]) if flat else ["target"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def as_data(bench: Bench, prices: PriceSettings) -> dict[str, Any]:
    """What `--json` prints: every measurement under `runs`, and what was made of them."""
    return {
        "bench": bench.id,
        "state": bench.state.value,
        "begun_at": bench.begun_at,
        "ended_at": bench.ended_at,
        "note": bench.note,
        "remedy": bench.remedy,
        "origin": bench.origin,
        "host": bench.host,
        "targets": list(bench.facts.values()),
        "runs": [_run(one) for one in bench.measured],
        "points": [_point(point, prices) for point in points(bench)],
        "differences": [difference_data(one) for one in differences(bench)],
        "overall": [difference_data(one) for one in overall(bench)],
        "answers": bench.answered,
        "warnings": warnings(bench),
    }


def difference_data(one: Compared) -> dict[str, Any]:
    return {
        "first": one.first,
        "other": one.other,
        "concurrency": one.load.concurrency if one.load else None,
        "rate_per_s": one.load.rate_per_s if one.load else None,
        "warmth": one.warmth.value,
        "figures": [
            {**msgspec.to_builtins(each), "better": each.better} for each in one.differences
        ],
    }


def _run(one: Measured) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(one)
    load = found.pop("load")
    return {
        "target": found.pop("target"),
        "concurrency": load["concurrency"],
        "rate_per_s": load["rate_per_s"],
        "warm_up": load["warm_up"],
        **found,
    }


def _point(point: Point, prices: PriceSettings) -> dict[str, Any]:
    return {
        "target": point.contender,
        "concurrency": point.load.concurrency,
        "rate_per_s": point.load.rate_per_s,
        "warmth": point.warmth.value,
        "repeats": point.repeats,
        "requests": point.requests,
        "failed": point.failed,
        **{
            name: point.rate(name)
            for name in ("requests_per_s", "generation_tokens_per_s", "goodput_per_s")
        },
        **{name: point.latency(name) for name in ("ttft_ms", "itl_ms", "tpot_ms", "e2e_ms")},
        "server": point.server,
        "client_limited": point.limited,
        "wh_per_million_tokens": wh_per_million_tokens(point),
        "price_per_million_tokens": per_million_tokens(point, prices),
    }


def _flat(one: Measured) -> dict[str, Any]:
    """Without what has other names in each line: failures by kind, and the level's own figures."""
    flat: dict[str, Any] = {}
    for name, value in _run(one).items():
        if isinstance(value, dict) and name.endswith("_ms"):
            flat |= {f"{name}_{part}": number for part, number in value.items()}
        elif name == "client":
            flat |= {f"client_{part}": said for part, said in value.items()}
        elif name not in {"failures", "level", "server"}:
            flat[name] = value
    return flat | _flat_server(one.server or ServerView())


def _flat_server(view: ServerView) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(view).items():
        parts = value.items() if isinstance(value, dict) else ((None, value),)
        flat |= {f"server_{name}_{part}" if part else f"server_{name}": v for part, v in parts}
    return flat
