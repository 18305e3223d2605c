"""A bench in sentences: on what it was measured, what differs beyond the noise, what is amiss."""

from __future__ import annotations

from vconsole.requests.bench.comparing import unequal_answers
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.points import points


def conditions(bench: Bench) -> list[str]:
    """What it was measured on and with, a line each."""
    host, spec = bench.host, bench.spec
    machine = ", ".join(host.gpus) or f"{host.processor}, {host.cores} cores, no GPU"
    told = [
        f"{bench.begun_at:%Y-%m-%d %H:%M} UTC on {host.name or 'this host'}: {machine}",
        f"{bench.origin}; {spec.repeats_each} x {len(spec.loads)} loads, seed {spec.seed}",
    ]
    for name, facts in bench.facts.items():
        version = (
            f", version {facts.version} {facts.device or ''}".rstrip() if facts.version else ""
        )
        flags = f", {' '.join(facts.flags)}" if facts.flags else ""
        told.append(f"{name}: {facts.model} at {facts.url}{version}{flags}")
    if spec.level is not None:
        told.append(
            f"good is TTFT <= {spec.level.ttft_ms:g} ms and mean ITL <= {spec.level.itl_ms:g} ms"
        )
    return told + ([spec.note] if spec.note else [])


def warnings(bench: Bench) -> list[str]:
    """What is wrong with the figures: a client at its limit, others on the server."""
    found = list(bench.warnings)
    for point in points(bench):
        if point.limited:
            found.append(
                f"the client was the limit at {point.contender} {point.load_words}: {point.limited}"
            )
    found += unequal_answers(bench)
    first = next((one.first_failure for one in bench.measured if one.first_failure), None)
    return [*found, f"the first failure: {first}"] if first else found
