"""The words of a proof: what was measured (evidence), and what that says (claims, on a card)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vconsole.requests.bench.model import Measured
from vconsole.settings import PriceSettings


class Leg(StrEnum):
    """One kind of measurement; ours unless it says otherwise."""

    SINGLE = "single"
    BATCHED = "batched"
    RIVAL_SINGLE = "rival, single"
    RIVAL_BATCHED = "rival, batched"
    PREFIX_COLD = "prefix cold"
    PREFIX_WARM = "prefix warm"
    SAMPLING = "sampling"
    SAMPLING_WITHOUT = "sampling without FlashInfer"
    GRAPHS = "graphs"
    EAGER = "eager"


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_SHOWN = "not shown"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: `memory_bytes` is what it held when it served, `held` says which memory."""

    name: str
    model: str
    version: str | None = None
    memory_bytes: int | None = None
    held: str = "memory"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was measured; `missing` says of a leg why it was not.

    With `interleaved` the two sides took turns, else one was measured after the other.
    """

    ours: Side
    rival: Side | None
    series: Mapping[Leg, tuple[Measured, ...]]
    missing: Mapping[Leg, str] = field(default_factory=dict)
    concurrency: int = 1
    interleaved: bool = True
    workload: str = ""
    prices: PriceSettings = field(default_factory=PriceSettings)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence about this host, with its verdict and what that rests on.

    `ratio` is ours by the other's with the 95 % interval `low` to `high`, where there is one.
    """

    id: str
    text: str
    verdict: Verdict
    figures: str = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    rests_on: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The report card of one proof; `answer` is what it comes to, in a sentence."""

    ours: Side
    rival: Side | None
    host: str
    made_at: datetime
    claims: tuple[Claim, ...]
    notes: tuple[str, ...] = ()
    workload: str = ""
    answer: str = ""

    def count(self, verdict: Verdict) -> int:
        return sum(claim.verdict is verdict for claim in self.claims)
