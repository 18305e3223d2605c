"""The answer to `fit`: the model found, the card chosen, the plan made."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from vconsole import settings
from vconsole.engine.command.command import cpu_kv_space_gib, told_kv_space_bytes
from vconsole.engine.find import find_engine
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.cards import card_of_memory
from vconsole.models.fit import make_plan, wishes_from
from vconsole.models.fit.ledger_file import starts_of
from vconsole.models.fit.plan import Card, Plan, Verdict, Wishes
from vconsole.models.subject import Subject, find_subject
from vconsole.supervisor.models.cards import named_card

GIB = 2**30


@dataclass(frozen=True, slots=True)
class FitQuestion:
    """What a user asks; None is left open. Memory is in GiB."""

    model: str
    gpu: str | None = None
    gpu_memory: float | None = None
    gpu_memory_free: float | None = None
    tensor_parallel: int | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_dtype: str | None = None
    quantization: str | None = None
    enforce_eager: bool = False
    engine_version: str | None = None


@dataclass(frozen=True, slots=True)
class FitAnswer:
    """The plan, for which model, on which card, and for which vLLM."""

    subject: Subject
    card: Card
    engine_version: str | None
    plan: Plan


def answer(question: FitQuestion) -> FitAnswer:
    """Work it out; a VConsoleError where the model or the card cannot be found."""
    subject = find_subject(question.model)
    card = _card(question)
    wishes = _wishes(question, subject, card)
    version = question.engine_version or _version_here(question)
    measured = starts_of(subject.model, subject.folder)
    plan = make_plan(subject.facts, card, wishes, measured, version)
    if plan.verdict in (Verdict.TIGHT, Verdict.TOO_BIG):
        plan = replace(plan, variant=_fitting_variant(subject, card, wishes, version))
    return FitAnswer(subject, card, version, plan)


def _fitting_variant(
    subject: Subject, card: Card, wishes: Wishes, version: str | None
) -> str | None:
    """The largest of the catalogue's other packings of this model that fits as it was asked."""
    from vconsole.models.catalogue import load_catalogue
    from vconsole.models.offers import lacking

    catalogue = load_catalogue()
    own = catalogue.find(subject.model)
    if own is None:
        return None
    others = [
        one
        for one in catalogue.entries
        if one.title == own.title and one.name != own.name and one.weights_bytes
        if not lacking(card, one)
    ]
    for one in sorted(others, key=lambda entry: -(entry.weights_bytes or 0)):
        plan = make_plan(one.facts, card, wishes, engine_version=version)
        if plan.verdict is Verdict.FITS:
            return one.name
    return None


def _card(question: FitQuestion) -> Card:
    card = _named(question)
    if card is None:
        card = named_card(None, None).card
    elif question.tensor_parallel:
        card = replace(card, count=question.tensor_parallel)
    if question.gpu_memory_free is None:
        return card
    free = int(question.gpu_memory_free * GIB)
    if free > card.total_bytes:
        raise VConsoleError(
            f"{question.gpu_memory_free:g} GiB cannot be free of {card.total_bytes / GIB:.1f} GiB",
            "give the free memory of the card named",
            ExitCode.USAGE,
        )
    return replace(card, free_bytes=free)


def _named(question: FitQuestion) -> Card | None:
    """The card of that name, of that size, or both: then its name need not be known."""
    if question.gpu_memory is None:
        return named_card(question.gpu, None).card if question.gpu else None
    card = card_of_memory(question.gpu_memory)
    if not question.gpu:
        return card
    try:
        known = named_card(question.gpu, None).card
    except VConsoleError:
        return replace(card, name=question.gpu)
    return replace(card, name=known.name, capability=known.capability)


def _wishes(question: FitQuestion, subject: Subject, card: Card) -> Wishes:
    """The flags of the profile, with what the question says on top of them."""
    said = {
        name: value
        for name in (
            *("tensor_parallel", "max_model_len", "max_num_seqs", "max_num_batched_tokens"),
            *("gpu_memory_utilization", "kv_cache_dtype", "quantization"),
        )
        if (value := getattr(question, name)) is not None
    }
    if question.enforce_eager:
        said["enforce_eager"] = True
    wishes = replace(wishes_from(subject.flags), **said)
    if card.is_cpu:
        told = told_kv_space_bytes(os.environ) or wishes.kv_cache_memory_bytes
        space = told or cpu_kv_space_gib(card.free_bytes) * GIB
        wishes = replace(wishes, kv_cache_memory_bytes=space)
    return wishes


def _version_here(question: FitQuestion) -> str | None:
    """The installed vLLM's for a card of this host; of a card elsewhere nobody knows it."""
    if question.gpu or question.gpu_memory is not None:
        return None
    engine = find_engine(settings.load())
    return engine.version if engine else None
