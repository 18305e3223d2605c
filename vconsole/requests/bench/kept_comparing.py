"""Two kept benches against each other, and what makes them hard to compare."""

from __future__ import annotations

from vconsole.requests.bench.comparing import Compared, compared
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.points import points


def compare_benches(first: Bench, second: Bench) -> tuple[tuple[Compared, ...], tuple[str, ...]]:
    """The first contender of each, load by load, and remarks on what else differs.

    They were not interleaved, so that an interval knows nothing of what befell the machine between.
    """
    mine, others = first.spec.contenders[0], second.spec.contenders[0]
    found = tuple(
        compared(a, b, interleaved=False)
        for a in points(first)
        for b in points(second)
        if (a.contender, b.contender) == (mine, others)
        and (a.load.concurrency, a.load.rate_per_s) == (b.load.concurrency, b.load.rate_per_s)
        and a.warmth == b.warmth
    )
    return found, tuple(_remarks(first, second))


def _remarks(first: Bench, second: Bench) -> list[str]:
    said = []
    if (first.host.name, first.host.gpus) != (second.host.name, second.host.gpus):
        said.append("they were made on different machines")
    if first.origin != second.origin:
        said.append(f"the prompts differ: {first.origin} / {second.origin}")
    a, b = (each.facts.get(each.spec.contenders[0]) for each in (first, second))
    if a and b:
        if a.model != b.model:
            said.append(f"the models differ: {a.model} / {b.model}")
        if a.version != b.version:
            said.append(f"the versions differ: {a.version} / {b.version}")
        if a.flags != b.flags:
            said.append(f"the flags differ: {' '.join(a.flags)} / {' '.join(b.flags)}")
    loads = [
        {(load.concurrency, load.rate_per_s) for load in b.spec.loads} for b in (first, second)
    ]
    if loads[0] != loads[1]:
        said.append("loads that only one of them has are left out")
    return said
