"""From facts, a card and wishes to a plan: pure arithmetic, no file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vconsole.models.fit.choosing import Case, Choice, choose
from vconsole.models.fit.cpu import plan_for_cpu
from vconsole.models.fit.defaults import version_of
from vconsole.models.fit.evidence import validated_on
from vconsole.models.fit.facts import ModelFacts
from vconsole.models.fit.formulas import formulas
from vconsole.models.fit.learned import learn
from vconsole.models.fit.ledger import MeasuredStart
from vconsole.models.fit.plan import Band, Card, Plan, ProposedFlag, Verdict, Wishes
from vconsole.models.fit.reasons import reasons, uncomputed_reasons, unknown_reasons

NO_WISHES = Wishes()


def make_plan(
    facts: ModelFacts,
    card: Card,
    wishes: Wishes = NO_WISHES,
    measured: Sequence[MeasuredStart] = (),
    engine_version: str | None = None,
) -> Plan:
    """What a start of this model on this card would give; `measured` are starts of this model.

    `engine_version` is vLLM's (`0.32.0`); None counts as the newest that is known.
    """
    length = wishes.max_model_len or facts.context_length
    lacking = unknown_reasons(facts, length) or uncomputed_reasons(wishes)
    if lacking or length is None:
        return Plan(Verdict.UNKNOWN, why=lacking)
    if card.is_cpu:
        return plan_for_cpu(facts, card, wishes, version_of(engine_version), length)
    version = version_of(engine_version)
    learned = learn(facts, card, version, measured)
    best: Choice | None = None
    for cards in _card_counts(facts, card, wishes):
        pinned = replace(wishes, tensor_parallel=cards)
        choice = choose(Case(facts, card, pinned, version, learned), length)
        if choice is None:
            break
        best = choice
        if choice.result.verdict is Verdict.FITS:
            break
    if best is None:
        return Plan(Verdict.UNKNOWN, why=unknown_reasons(facts, length, computed=False))
    return _plan(facts, best, wishes)


def _card_counts(facts: ModelFacts, card: Card, wishes: Wishes) -> Iterator[int]:
    """The tensor parallel sizes to try, smallest first: those that divide the heads."""
    if wishes.tensor_parallel:
        yield wishes.tensor_parallel
        return
    heads = facts.attention_heads or 1
    yield from (count for count in (1, 2, 4, 8) if count <= card.count and heads % count == 0)


def _plan(facts: ModelFacts, choice: Choice, wishes: Wishes) -> Plan:
    result = choice.result
    cards = result.setting.tensor_parallel
    flags = choice.flags
    if cards > 1 and wishes.tensor_parallel is None:
        why = f"{cards} cards hold what one does not"
        flags = (ProposedFlag("--tensor-parallel-size", str(cards), why), *flags)
    return Plan(
        _verdict(choice, wishes),
        weights_bytes=result.weights.size,
        kv_bytes_per_token=Band.exact(result.pool.bytes_per_token),
        overhead_bytes=result.overhead.size,
        kv_cache_bytes=result.kv,
        kv_cache_tokens=result.tokens,
        max_concurrency=max(0.0, result.concurrency),
        max_model_len=result.setting.max_model_len,
        tensor_parallel=cards,
        flags=flags,
        why=reasons(choice),
        formulas=formulas(facts, result),
        validated_on=validated_on(facts, result),
    )


def _verdict(choice: Choice, wishes: Wishes) -> Verdict:
    """A length that the user pinned and that needs our flags to fit is `tight` at best."""
    found, asked = choice.result.verdict, choice.asked.verdict
    if wishes.max_model_len and found is Verdict.FITS and asked is not Verdict.FITS:
        return Verdict.TIGHT
    return found
