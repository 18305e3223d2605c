"""Prompts to measure with: made to lengths, taken from a file, or as long as this server's were."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Histogram
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.asked_lengths import kept_lengths
from vconsole.requests.bench.measure import first_model
from vconsole.requests.bench.model import COMPLETIONS, Lengths, Prompt, Target, Workload
from vconsole.requests.bench.tokens import WORDS, TokenCosts, token_costs
from vconsole.requests.transport import Transport

METRICS_TIMEOUT_S = 10.0
# Histograms of vLLM go up to the model's length; a bucket without an end is taken at its begin.
SMALLEST_TOKENS = 1


async def synthetic(target: Target, lengths: Sequence[Lengths], *, seed: int = 0) -> Workload:
    """One prompt of random words for each of the lengths, no two beginning alike.

    The server tells how long words are, so that prompts have their length to the token where it
    has `/tokenize` (vLLM), and about so elsewhere.
    """
    return made_of_words(await costs_of(target), lengths, str(seed))


async def costs_of(target: Target) -> TokenCosts:
    async with Transport(target.url, target.api_key) as transport:
        return await token_costs(transport, target.model or await first_model(transport))


def made_of_words(costs: TokenCosts, lengths: Sequence[Lengths], seed: str) -> Workload:
    """The same words for the same seed, on whatever server they are used."""
    chance = random.Random(seed)
    prompts = tuple(
        Prompt(
            COMPLETIONS,
            {"prompt": _text(costs, each.prompt_tokens, chance)},
            each.output_tokens,
            key=f"{seed}-{number}",
        )
        for number, each in enumerate(lengths)
    )
    return Workload(prompts, origin=_origin(lengths))


def salted(workload: Workload, salt: str) -> Workload:
    """The same prompts, each with a beginning of its own that no prefix cache has seen."""
    prompts = tuple(_salted(each, f"{salt}.{at}") for at, each in enumerate(workload.prompts))
    return replace(workload, prompts=prompts)


async def lengths_of_history(
    target: Target, count: int, *, seed: int = 0, server: str | None = None
) -> tuple[Lengths, ...]:
    """Lengths by the chances of those that the server was asked for.

    Of vLLM's histograms, prompts and answers drawn apart, evenly within a bucket: of a `server` of
    ours over all its lives and without our benches, else since its start. An error where it has
    served nothing, or is no vLLM.
    """
    kept = kept_lengths().get(server) if server is not None else None
    if kept is not None and kept.requests:
        return _lengths(kept.prompts.histogram(), kept.answers.histogram(), count, seed)
    async with Transport(target.url, target.api_key) as transport:
        answer = await transport.get("/metrics", METRICS_TIMEOUT_S)
    scrape = parse(answer.body) if answer.status == 200 else parse(b"")
    prompts, answers = scrape.request_prompt_tokens, scrape.request_generation_tokens
    if prompts is None or answers is None or not prompts.count or not answers.count:
        raise VConsoleError(
            f"{target.name} has served no request that it could be measured by",
            "give lengths: --input-tokens, --output-tokens; or a file: --prompts",
            ExitCode.USAGE,
            kind="no_history",
        )
    return _lengths(prompts, answers, count, seed)


def _lengths(prompts: Histogram, answers: Histogram, count: int, seed: int) -> tuple[Lengths, ...]:
    chance = random.Random(seed)
    return tuple(Lengths(_drawn(prompts, chance), _drawn(answers, chance)) for _ in range(count))


def _text(costs: TokenCosts, wanted_tokens: int, chance: random.Random) -> str:
    """Random words up to the wanted tokens, the last ones chosen so that they fit."""
    left = wanted_tokens - costs.base
    words: list[str] = []
    while not words or left >= min(costs.by_word):
        at = chance.randrange(len(WORDS))
        if words and costs.by_word[at] > left:
            fitting = [i for i, cost in enumerate(costs.by_word) if cost <= left]
            at = chance.choice(fitting)
        words.append(WORDS[at])
        left -= costs.by_word[at]
    return " ".join(words)


def _salted(prompt: Prompt, salt: str) -> Prompt:
    body: dict[str, Any] = dict(prompt.body)
    if isinstance(body.get("prompt"), str):
        body["prompt"] = f"{salt} {body['prompt']}"
    elif messages := body.get("messages"):
        first = dict(messages[0])
        if isinstance(first.get("content"), str):
            first["content"] = f"{salt} {first['content']}"
        body["messages"] = [first, *messages[1:]]
    return replace(prompt, body=body)


def _drawn(histogram: Histogram, chance: random.Random) -> int:
    """A value by the histogram's chances."""
    at = chance.random() * histogram.count
    index = next(i for i, count in enumerate(histogram.counts) if count >= at and count > 0)
    low = histogram.bounds[index - 1] if index else 0.0
    high = histogram.bounds[index]
    drawn = low if high == float("inf") else chance.uniform(low, high)
    return max(SMALLEST_TOKENS, round(drawn))


def _origin(lengths: Sequence[Lengths]) -> str:
    kinds = set(lengths)
    if len(kinds) == 1:
        (only,) = kinds
        return f"random words, {only.prompt_tokens} in, {only.output_tokens} out"
    count = max(len(lengths), 1)
    read = sum(each.prompt_tokens for each in lengths) / count
    made = sum(each.output_tokens for each in lengths) / count
    return f"random words, {read:.0f} in, {made:.0f} out in the mean"
