"""The checks of the smoke test: each takes the probe, returns what it saw, or raises why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal
from uuid import uuid4

import msgspec

from vconsole.engine.http.client import EngineClient, EngineRefusedError
from vconsole.engine.http.protocol import BROKEN_OFF, Choice, Detokenized, Reply, Tokens
from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape
from vconsole.errors import VConsoleError
from vconsole.requests.ask import lacks_template
from vconsole.requests.bodies import CHAT, COMPLETIONS

REQUEST_LIMIT_S = 60.0
COUNTER_LIMIT_S = 1.0
SENTENCE = "The quick brown fox jumps over the lazy dog."
QUESTION = "Hello! What can you do for me?"
JSON_QUESTION = "Is ice cold? Answer as JSON with the keys answer (yes or no) and certain."
STREAM_TOKENS = 16
PARALLEL = 16
ANSWER_TOKENS = 64
THINKING_TOKENS = 1024
SHORTEST_PREFIX_TOKENS = 512
# Random or tiny models fill JSON with spaces for ever; the penalty makes them move on.
NO_REPEATS = {"frequency_penalty": 2.0}

Check = Callable[["Probe"], Awaitable[str]]


class CheckFailedError(VConsoleError):
    """The server answered, but not as it must."""


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """The answer that the JSON check asks for."""

    answer: Literal["yes", "no"]
    certain: bool


VERDICT_SCHEMA = {
    "type": "object",
    "properties": {
        "answer": {"type": "string", "enum": ["yes", "no"]},
        "certain": {"type": "boolean"},
    },
    "required": ["answer", "certain"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Probe:
    """The server under test, and what earlier checks learned for later ones."""

    client: EngineClient
    served_name: str
    before: Scrape | None = None
    received_tokens: int = 0
    max_model_len: int | None = None
    has_template: bool = True
    answer: Choice = field(default_factory=Choice)

    async def send(self, path: str, **body: Any) -> Reply:
        named = {"model": self.served_name, "temperature": 0.0, **body}
        reply = await self.client.post(path, named, Reply, REQUEST_LIMIT_S)
        _needs_end(reply)
        self.received_tokens += reply.completion_tokens
        return reply

    async def talk(self, text: str, **body: Any) -> Reply:
        """A chat, or a completion where the model has no chat template."""
        path, question = self.talk_request(text)
        return await self.send(path, **question, **body)

    def talk_request(self, text: str) -> tuple[str, dict[str, Any]]:
        if self.has_template:
            return CHAT, {"messages": [{"role": "user", "content": text}]}
        return COMPLETIONS, {"prompt": text}

    async def scrape(self) -> Scrape:
        return parse(await self.client.metrics())

    async def tokenize(self, text: str) -> tuple[int, ...]:
        body = {"model": self.served_name, "prompt": text, "add_special_tokens": False}
        return (await self.client.post("/tokenize", body, Tokens)).tokens


async def alive(probe: Probe) -> str:
    await probe.client.check_health()
    return "/health says 200"


async def version(probe: Probe) -> str:
    number = await probe.client.version()
    probe.before = await probe.scrape()
    return f"vLLM {number}"


async def model(probe: Probe) -> str:
    cards = {card.id: card for card in await probe.client.models()}
    if probe.served_name not in cards:
        raise CheckFailedError(f"{probe.served_name} is not served; {', '.join(cards)} is")
    probe.max_model_len = cards[probe.served_name].max_model_len
    length = f"{probe.max_model_len:,}" if probe.max_model_len else "an unknown number of"
    return f"{probe.served_name}, {length} tokens of context"


async def tokenizer(probe: Probe) -> str:
    tokens = await probe.tokenize(SENTENCE)
    body = {"model": probe.served_name, "tokens": tokens}
    text = (await probe.client.post("/detokenize", body, Detokenized)).prompt
    if text.strip() != SENTENCE:
        raise CheckFailedError(f"{_quoted(SENTENCE)} came back as {_quoted(text)}")
    return f"{len(SENTENCE)} characters are {len(tokens)} tokens and come back the same"


async def completion(probe: Probe) -> str:
    reply = await probe.send(COMPLETIONS, prompt="Once upon a time", max_tokens=16)
    _needs_tokens(reply)
    probe.answer = reply.choice
    return f"{reply.completion_tokens} tokens: {_quoted(reply.choice.content)}"


async def chat(probe: Probe) -> str:
    try:
        reply = await probe.talk(QUESTION, max_tokens=ANSWER_TOKENS)
    except EngineRefusedError as error:
        if not lacks_template(error):
            raise
        probe.has_template = False
        return "the model has no chat template: it takes completions only"
    _needs_tokens(reply)
    probe.answer = reply.choice
    return f"{reply.completion_tokens} tokens, finished by {reply.choice.finish_reason}"


async def answer(probe: Probe) -> str:
    choice, tokens = probe.answer, ANSWER_TOKENS
    if not choice.content.strip() and choice.thinking:
        tokens = THINKING_TOKENS
        choice = (await probe.talk(QUESTION, max_tokens=tokens)).choice
    if choice.content.strip():
        return _quoted(choice.content)
    if choice.thinking:
        return _only_thought(choice, tokens)
    raise CheckFailedError(f"the answer is empty (finished by {choice.finish_reason})")


async def stream(probe: Probe) -> str:
    path, question = probe.talk_request(QUESTION)
    body = {"model": probe.served_name, "max_tokens": STREAM_TOKENS, "ignore_eos": True}
    body |= {"stream": True, "stream_options": {"include_usage": True}, **question}
    started_s, first_ms, replies = perf_counter(), 0.0, []
    async with aclosing(probe.client.stream(path, body, Reply, REQUEST_LIMIT_S)) as events:
        async for reply in events:
            first_ms = first_ms or (perf_counter() - started_s) * 1000
            _needs_end(reply)
            replies.append(reply)
    chunks = sum(1 for reply in replies if reply.choices)
    tokens = replies[-1].completion_tokens if replies else 0
    probe.received_tokens += tokens
    finishes = [reply.choice.finish_reason for reply in replies if reply.choice.finish_reason]
    # At most one chunk a token, one for the role and one for the end; a busy client gets fewer.
    if tokens != STREAM_TOKENS or not 1 <= chunks <= tokens + 2 or len(finishes) != 1:
        raise CheckFailedError(
            f"asked for {STREAM_TOKENS} tokens: {tokens} in {chunks} chunks,"
            f" {len(finishes)} of them the last"
        )
    return f"{tokens} tokens in {chunks} chunks, the first after {first_ms:.0f} ms"


async def parallel(probe: Probe) -> str:
    started_s = perf_counter()
    requests = (
        probe.send(COMPLETIONS, prompt=f"Item {n}: {SENTENCE}", max_tokens=8, ignore_eos=True)
        for n in range(PARALLEL)
    )
    results = await asyncio.gather(*requests, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, VConsoleError):
            raise result
    errors = [result for result in results if isinstance(result, VConsoleError)]
    if errors:
        good = PARALLEL - len(errors)
        raise CheckFailedError(f"{good} of {PARALLEL} answered; {errors[0].message}")
    tokens = sum(reply.completion_tokens for reply in results if isinstance(reply, Reply))
    rate = tokens / (perf_counter() - started_s)
    return f"{PARALLEL} of {PARALLEL} answered, {rate:,.0f} tokens/s together"


async def json_schema(probe: Probe) -> str:
    schema = {"name": "verdict", "schema": VERDICT_SCHEMA, "strict": True}
    form = {"response_format": {"type": "json_schema", "json_schema": schema}}
    thinks = bool(probe.answer.thinking)
    budget, tries = (THINKING_TOKENS, ({},)) if thinks else (2 * ANSWER_TOKENS, ({}, NO_REPEATS))
    choice = Choice()
    for penalty in tries:
        choice = (await probe.talk(JSON_QUESTION, max_tokens=budget, **form, **penalty)).choice
        try:
            msgspec.json.decode(choice.content, type=Verdict)
        except msgspec.MsgspecError:
            continue
        return _quoted(choice.content)
    if choice.thinking and not choice.content.strip() and choice.finish_reason == "length":
        return f"not tried: {_only_thought(choice, budget)}"
    raise CheckFailedError(
        f"not what the schema asks for: {_quoted(choice.content)} (finished by"
        f" {choice.finish_reason})"
    )


async def prefix_cache(probe: Probe) -> str:
    before = await probe.scrape()
    if before.prefix_caching is False:
        return "off: the server was started without prefix caching"
    if before.prefix_cache_hits is None:
        return "this vLLM does not count prefix cache hits"
    wanted = max(SHORTEST_PREFIX_TOKENS, 2 * (before.kv_block_tokens or 0) + 1)
    length = min(wanted, (probe.max_model_len or 2 * wanted) // 2)
    prompt = (await probe.tokenize(f"{uuid4()} " + SENTENCE * (length // 4)))[:length]
    for _ in range(2):
        await probe.send(COMPLETIONS, prompt=prompt, max_tokens=1)
    hits = await _risen(probe, lambda scrape: scrape.prefix_cache_hits, before, 1)
    if not hits and length <= (before.kv_block_tokens or 0):
        return f"the context is too short to tell: a block holds {before.kv_block_tokens} tokens"
    if not hits:
        raise CheckFailedError(f"{length} tokens sent twice, none of them found in the cache")
    return f"{length} tokens sent twice, {hits:,.0f} found in the cache"


async def refusal(probe: Probe) -> str:
    too_many = 10 * (probe.max_model_len or 10_000_000)
    try:
        await probe.send(COMPLETIONS, prompt=SENTENCE, max_tokens=too_many)
    except EngineRefusedError as error:
        if error.status in (400, 422):
            return f"HTTP {error.status}: {error.reason}"
        raise
    raise CheckFailedError(f"a request for {too_many:,} tokens was accepted")


async def metrics(probe: Probe) -> str:
    if probe.before is None:
        raise CheckFailedError("/metrics could not be read before the requests")
    received = probe.received_tokens
    rise = await _risen(probe, lambda scrape: scrape.generation_tokens, probe.before, received)
    if rise < received or not received:
        raise CheckFailedError(f"received {received} tokens, but the server counts {rise:.0f}")
    others = f", {rise - received:.0f} of them of other requests" if rise > received else ""
    return f"the server counts {rise:.0f} generated tokens{others}"


async def _risen(
    probe: Probe, counter: Callable[[Scrape], float | None], before: Scrape, wanted: float
) -> float:
    """How far a counter has risen; waits a little, for vLLM counts just after it answers."""
    deadline_s = perf_counter() + COUNTER_LIMIT_S
    while True:
        rise = (counter(await probe.scrape()) or 0.0) - (counter(before) or 0.0)
        if rise >= wanted or perf_counter() > deadline_s:
            return rise
        await asyncio.sleep(0.05)


def _only_thought(choice: Choice, tokens: int) -> str:
    if choice.finish_reason == "length":
        return f"a reasoning model that spent all {tokens} tokens on thinking: give it more"
    return "a reasoning model that ended without an answer: all that it said is thinking"


def _needs_end(reply: Reply) -> None:
    """What the server breaks off comes with status 200 and looks like an answer."""
    for choice in reply.choices:
        if choice.finish_reason in BROKEN_OFF:
            reason = f"finish reason {choice.finish_reason}"
            raise CheckFailedError(f"the server cut the answer off before its end ({reason})")


def _needs_tokens(reply: Reply) -> None:
    if not reply.choices or not reply.completion_tokens:
        raise CheckFailedError("the server answered without a single token")


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line[:60]}…”" if len(line) > 60 else f"“{line}”"


CHECKS: dict[str, Check] = {
    "alive": alive,
    "version": version,
    "model": model,
    "tokenizer": tokenizer,
    "completion": completion,
    "chat": chat,
    "answer": answer,
    "stream": stream,
    "parallel": parallel,
    "json_schema": json_schema,
    "prefix_cache": prefix_cache,
    "refusal": refusal,
    "metrics": metrics,
}
