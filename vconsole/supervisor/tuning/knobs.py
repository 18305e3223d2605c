"""The handful of settings that matter, as far as this engine has them and this load could tell.

In the order of what they usually bring. A value that this load cannot tell from another is not
tried: with 16 requests in flight 64 sequences and 256 are one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from vconsole.engine.command.flags import options_given, split_flags
from vconsole.models.fit.candidates import FP8_CAPABILITY
from vconsole.supervisor.tuning.ground import Ground
from vconsole.supervisor.tuning.model import Knob, Rung

SEQS, TOKENS = "--max-num-seqs", "--max-num-batched-tokens"
PREFIX, KV_DTYPE = "--enable-prefix-caching", "--kv-cache-dtype"
EAGER, SPECULATIVE = "--enforce-eager", "--speculative-config"
NGRAM = {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}
# A step takes prompts in pieces of this many tokens at least; less is never worth it.
FEWEST_TOKENS = 512


def knobs(ground: Ground, only: Sequence[str] = ()) -> tuple[Knob, ...]:
    """Those with something to try, each from the value in force; `only` names options to turn."""
    made = {option: make for option, make in MAKERS.items() if not only or option in only}
    found = (make(ground) for option, make in made.items() if ground.option(option))
    return tuple(knob for knob in found if knob and len(knob.rungs) > 1)


def _seqs(ground: Ground) -> Knob:
    """Fewer at once than come make the others wait, and let those that run be quicker."""
    return _ladder(SEQS, ground, ground.defaults[0], ground.concurrency, 1)


def _tokens(ground: Ground) -> Knob:
    """More prompt tokens in a step raise throughput, fewer keep others from waiting for it."""
    waiting = round(ground.concurrency * ground.prompt_tokens)
    return _ladder(TOKENS, ground, ground.defaults[1], waiting, FEWEST_TOKENS)


def _ladder(option: str, ground: Ground, own: int, limit: int, floor: int) -> Knob:
    """Halves and doubles of the value in force; from `limit` on all values are one, the top.

    Where the user pinned less than that, vLLM's own choice is tried first.
    """
    now = ground.in_force(option) or own
    lower = {min(now, limit) // 4, min(now, limit) // 2}
    values = sorted({*_doublings(now, limit)} | {one for one in lower if floor <= one < limit})
    rungs = tuple(_number(option, value) for value in values)
    if now >= limit:
        return Knob(option, (*rungs, Rung(f"{option.removeprefix('--')} {now}")), len(rungs))
    left_to_vllm = own >= limit and not ground.is_planned(option)
    top = Rung(f"{option.removeprefix('--')} left to vLLM")
    if not left_to_vllm:
        top = _number(option, 1 << (limit - 1).bit_length())
    first = len(rungs) if left_to_vllm else None
    return Knob(option, (*rungs, top), values.index(now), first)


def _prefix(ground: Ground) -> Knob:
    off = any(word.replace("_", "-") == "--no-enable-prefix-caching" for word in ground.ran)
    rungs = (
        Rung("without prefix caching", ("--no-enable-prefix-caching",)),
        Rung("with prefix caching", (PREFIX,)),
    )
    return Knob(PREFIX, rungs, 0 if off else 1)


def _kv_dtype(ground: Ground) -> Knob | None:
    """Half the bytes for each token, so twice the tokens, where the card computes with them."""
    option, capability = ground.option(KV_DTYPE), ground.card.capability
    if option is None or "fp8" not in option.choices or ground.card.is_cpu:
        return None
    if capability is None or capability < FP8_CAPABILITY:
        return None
    if KV_DTYPE in options_given(ground.ran) and not any("fp8" in word for word in ground.ran):
        return None
    now = any(word.startswith("fp8") for word in ground.ran)
    rungs = (
        Rung("kv-cache-dtype as the model's", (KV_DTYPE, "auto")),
        Rung("kv-cache-dtype fp8 (answers change a little)", (KV_DTYPE, "fp8")),
    )
    return Knob(KV_DTYPE, rungs, int(now))


def _eager(ground: Ground) -> Knob:
    words = [flag.name.replace("_", "-") for flag in split_flags(ground.ran)]
    eager = EAGER in words
    rungs = (Rung("eager, without graphs", (EAGER,)), Rung("compiled, with graphs"))
    return Knob(EAGER, rungs, 0 if eager else 1)


def _speculative(ground: Ground) -> Knob | None:
    """Guesses from the prompt's own words: much for summaries and code, a loss for the rest."""
    if any(option.startswith("--spec-") for option in options_given(ground.ran)):
        return None
    given = next((f for f in split_flags(ground.ran) if f.option == SPECULATIVE), None)
    words = given.words if given else (SPECULATIVE, json.dumps(NGRAM, separators=(",", ":")))
    named = "speculative decoding as given" if given else "speculative decoding by n-grams"
    rungs = (Rung("without speculative decoding"), Rung(named, words))
    return Knob(SPECULATIVE, rungs, 1 if given else 0)


def _number(option: str, value: int) -> Rung:
    return Rung(f"{option.removeprefix('--')} {value}", (option, str(value)))


def _doublings(value: int, limit: int) -> Iterator[int]:
    """The value, twice it, four times, ..., below the limit."""
    yield from takewhile(lambda found: found < limit, (value << i for i in range(32)))


MAKERS: dict[str, Callable[[Ground], Knob | None]] = {
    SEQS: _seqs,
    TOKENS: _tokens,
    PREFIX: _prefix,
    KV_DTYPE: _kv_dtype,
    EAGER: _eager,
    SPECULATIVE: _speculative,
}
