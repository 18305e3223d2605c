"""What of the catalogue a card holds, by the planner: a first model, and what to fall back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.models.catalogue import Entry, load_catalogue
from vconsole.models.fit import make_plan
from vconsole.models.fit.plan import Card, Plan, Verdict, Wishes
from vconsole.models.on_disk import folder_of

NO_WISHES = Wishes()
# A shorter context than this is no help to whom a model has failed.
LEAST_LENGTH = 4096
MOST_FALLBACKS = 2
# What many run in the place of a model, in that order: a family, and its packings by preference.
CLASSIC = {
    "openai/gpt-oss-20b": (
        ("Mistral 7B Instruct v0.3", ("AWQ", "GPTQ")),
        ("Llama 3.1 8B Instruct", ("FP8", "AWQ", "GPTQ")),
    )
}
# A fallback leaves at least a quarter of the weights' memory to the KV cache.
SMALLER = 0.75


@dataclass(frozen=True, slots=True)
class Offer:
    """A model of the catalogue that fits, with its plan on the card asked about."""

    entry: Entry
    plan: Plan

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def weights_bytes(self) -> int:
        return self.entry.weights_bytes or 0

    @property
    def is_on_disk(self) -> bool:
        return folder_of(self.name) is not None


def offers(
    card: Card,
    engine_version: str | None = None,
    wishes: Wishes = NO_WISHES,
    only: Sequence[str] = (),
) -> list[Offer]:
    """Every model of the catalogue, or of `only`, that surely fits the card; the largest first."""
    found = []
    for entry in load_catalogue().entries:
        if (only and entry.name not in only) or not entry.weights_bytes or lacking(card, entry):
            continue
        plan = make_plan(entry.facts, card, wishes, engine_version=engine_version)
        if plan.verdict is Verdict.FITS and (plan.max_model_len or 0) >= LEAST_LENGTH:
            found.append(Offer(entry, plan))
    return sorted(found, key=lambda one: -one.weights_bytes)


def fallbacks(
    model: str, weights_bytes: int | None, card: Card, engine_version: str | None = None
) -> tuple[Offer, ...]:
    """What to serve where memory does not suffice for `model`: what is usual for it, if all of that
    fits, else each much smaller than the last.

    Free of access requests where there is a choice; another packing of the same model comes first.
    """
    fitting = [one for one in offers(card, engine_version) if one.name != model]
    if classic := _classic(model, fitting):
        return classic
    own = load_catalogue().find(model)
    size = weights_bytes or (own.weights_bytes if own else None) or _largest(fitting)
    chain: list[Offer] = []
    while len(chain) < MOST_FALLBACKS:
        smaller = [one for one in fitting if one.weights_bytes <= SMALLER * size]
        if not smaller:
            break
        best = max(smaller, key=lambda one: _worth(one, own, chain))
        chain.append(best)
        size = best.weights_bytes
    return tuple(chain)


def _classic(model: str, fitting: list[Offer]) -> tuple[Offer, ...]:
    """The usual chain of `model`, open and fitting in each of its steps; empty where there is none.

    Of the packings of a step one that is on the disk goes first.
    """
    chain = []
    for title, packings in CLASSIC.get(model, ()):
        known = [one for one in fitting if one.entry.title == title and not one.entry.gated]
        usable = [one for one in known if one.entry.quantization in packings]
        if not usable:
            return ()
        rank = {packing: place for place, packing in enumerate(packings)}
        chain.append(
            min(usable, key=lambda one: (not one.is_on_disk, rank[one.entry.quantization or ""]))
        )
    return tuple(chain)


def lacking(card: Card, entry: Entry | None) -> str | None:
    """In words what the card itself lacks, however much memory it has."""
    least = entry.least_capability if entry else None
    if least is None or card.capability is None or card.capability >= least:
        return None
    wanted, has = (f"{one[0]}.{one[1]}" for one in (least, card.capability))
    return f"its kernels need compute capability {wanted}, and {card.name} has {has}"


def _worth(one: Offer, own: Entry | None, chain: list[Offer]) -> tuple[bool, bool, int, bool]:
    """Open, of the same model, of many parameters, and there already; the first that differ."""
    is_same = not chain and own is not None and one.entry.title == own.title
    return one.entry.gated is False, is_same, one.entry.parameters or 0, one.is_on_disk


def _largest(fitting: list[Offer]) -> int:
    return max((one.weights_bytes for one in fitting), default=0) * 2
