"""The choice among candidates: what the user pinned stays, the rest is made to fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vconsole.models.fit.candidates import Candidate, candidates
from vconsole.models.fit.defaults import Version, settle
from vconsole.models.fit.estimate import Estimate, estimate
from vconsole.models.fit.facts import ModelFacts
from vconsole.models.fit.learned import Learned
from vconsole.models.fit.plan import Card, ProposedFlag, Verdict, Wishes

# A context shorter than the model's is accepted before stronger means if it is at least so long,
# and in the end if it is at least so long.
GOOD_LENGTH, LEAST_LENGTH = 8192, 1024
LENGTH_STEP = 256


@dataclass(frozen=True, slots=True)
class Case:
    """What is given in every attempt."""

    facts: ModelFacts
    card: Card
    wishes: Wishes
    version: Version
    learned: Learned | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A start with the flags that lead to it; `asked` is the start without any of them."""

    result: Estimate
    flags: tuple[ProposedFlag, ...]
    asked: Estimate


def choose(case: Case, length: int) -> Choice | None:
    """The best start for these wishes at up to `length` tokens; None where it is not computed."""
    tried: list[tuple[Choice, Candidate]] = []
    # A cache that the checkpoint has packed already cannot be packed once more.
    packed = case.wishes.kv_cache_dtype or case.facts.kv_cache_dtype
    wishes = replace(case.wishes, kv_cache_dtype=packed)
    for candidate in candidates(case.card, wishes, case.version):
        result = _estimated(case, candidate, length)
        if result is None:
            return None
        asked = tried[0][0].asked if tried else result
        choice = Choice(result, candidate.flags, asked)
        if result.verdict is Verdict.FITS:
            return choice
        if shorter := _shortened(case, choice, candidate, GOOD_LENGTH):
            return shorter
        tried.append((choice, candidate))
    return _least_bad(case, tried)


def _estimated(case: Case, candidate: Candidate, length: int) -> Estimate | None:
    setting = settle(case.facts, case.card, candidate.wishes, case.version, length)
    return estimate(case.facts, case.card, setting, case.learned)


def _least_bad(case: Case, tried: list[tuple[Choice, Candidate]]) -> Choice:
    """Where nothing fits surely: a short context with every means, else the first that may fit."""
    strongest, candidate = tried[-1]
    if shorter := _shortened(case, strongest, candidate, LEAST_LENGTH):
        return shorter
    for choice, _ in tried:
        if choice.result.verdict is Verdict.TIGHT:
            return choice
    return tried[0][0]


def _shortened(case: Case, choice: Choice, candidate: Candidate, least: int) -> Choice | None:
    """The same start with the longest context that surely fits, if that is long enough."""
    result = choice.result
    if case.wishes.max_model_len is not None or result.is_nearly_refused:
        return None
    most = result.setting.max_model_len
    longest = result.longest(result.kv.low, most)
    if longest < most:
        longest = longest // LENGTH_STEP * LENGTH_STEP
    if longest < min(least, most):
        return None
    shorter = _estimated(case, candidate, longest)
    if shorter is None or shorter.verdict is not Verdict.FITS:
        return None
    why = f"the longest request that fits; the model could take {most:,} tokens"
    flag = ProposedFlag("--max-model-len", str(longest), why)
    return Choice(shorter, (*choice.flags, flag), choice.asked)
