"""How each leg is measured: what it asks, so many at once, and which other one asks the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vconsole.requests.bench.model import Load, Warmth
from vconsole.supervisor.proving.model import Leg

# One at a time enough for a median; a prefix needs fewer, for each prompt is long.
MOST_SINGLE, MOST_PREFIX = 16, 8


class Ask(StrEnum):
    """What is asked: the workload, prompts long enough for a cache to matter, or by chance."""

    WORKLOAD = "workload"
    LONG = "long"
    SAMPLED = "sampled"


@dataclass(frozen=True, slots=True)
class Way:
    """Legs with the same `key` are asked the very same prompts."""

    key: str
    ask: Ask = Ask.WORKLOAD
    at_once: bool = True
    warmth: Warmth = Warmth.COLD


SINGLE, BATCHED = Way("one", at_once=False), Way("many")
GRAPHS, SAMPLING = Way("graphs"), Way("sampling", Ask.SAMPLED)
WAYS = {
    Leg.SINGLE: SINGLE,
    Leg.RIVAL_SINGLE: SINGLE,
    Leg.BATCHED: BATCHED,
    Leg.RIVAL_BATCHED: BATCHED,
    Leg.PREFIX_COLD: Way("prefix", Ask.LONG, at_once=False),
    Leg.PREFIX_WARM: Way("prefix", Ask.LONG, at_once=False, warmth=Warmth.WARM),
    Leg.SAMPLING: SAMPLING,
    Leg.SAMPLING_WITHOUT: SAMPLING,
    Leg.GRAPHS: GRAPHS,
    Leg.EAGER: GRAPHS,
}
RIVALS = frozenset({Leg.RIVAL_SINGLE, Leg.RIVAL_BATCHED})


def load_of(leg: Leg, batched: Load) -> Load:
    """The load of a leg, where `batched` is that of many at once.

    What is warm needs no warming up, and other prompts would cool it.
    """
    way = WAYS[leg]
    if way.ask is Ask.LONG:
        count = min(MOST_PREFIX, batched.requests)
        return Load(1, requests=count, warm_up=int(way.warmth is Warmth.COLD))
    if not way.at_once:
        return Load(1, requests=min(MOST_SINGLE, batched.requests), warm_up=1)
    return batched
