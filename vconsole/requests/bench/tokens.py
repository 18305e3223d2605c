"""How many tokens a server makes of words, asked of itself: its tokenizer needs not be here."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import msgspec

from vconsole.engine.http.protocol import refusal_reason
from vconsole.errors import VConsoleError
from vconsole.requests.bench.model import COMPLETIONS
from vconsole.requests.transport import Transport, TransportError

CALL_TIMEOUT_S = 60.0
AT_ONCE = 8
# Common and short: most tokenizers have a token for each, with its space.
COMMON = (
    "the of and to in is was for on that by this with from have are not but had his they she"
    " which you one we all were when there can more if would who some could them other then"
    " over time only new after people back two first now way may day little good year house"
    " water place great old long"
)
WORDS = tuple(COMMON.split())
FEW, MANY = 8, len(WORDS)


class _Count(msgspec.Struct):
    count: int


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    usage: _Usage | None = None


@dataclass(frozen=True, slots=True)
class TokenCosts:
    """Tokens that a prompt has before its first word, and by word; exact where the server tells."""

    base: float
    by_word: tuple[float, ...]


async def token_costs(transport: Transport, model: str) -> TokenCosts:
    """Ask `/tokenize` for each word; a server without it for the mean, by a prompt's usage."""
    exact = await _tokenized(transport, model, WORDS[0])
    if exact is None:
        return await _by_usage(transport, model)
    room = asyncio.Semaphore(AT_ONCE)

    async def of(word: str) -> int:
        async with room:
            return await _tokenized(transport, model, f"{WORDS[0]} {word}") or 0

    found = await asyncio.gather(*(of(word) for word in WORDS))
    first = max(found[0] - exact, 1)
    return TokenCosts(max(exact - first, 0), tuple(max(each - exact, 1) for each in found))


async def _tokenized(transport: Transport, model: str, text: str) -> int | None:
    body = msgspec.json.encode({"model": model, "prompt": text})
    with contextlib.suppress(TransportError, msgspec.MsgspecError):
        answer = await transport.post("/tokenize", body, CALL_TIMEOUT_S)
        if answer.status == 200:
            return msgspec.json.decode(answer.body, type=_Count).count
    return None


async def _by_usage(transport: Transport, model: str) -> TokenCosts:
    few = await _used(transport, model, " ".join(WORDS[:FEW]))
    many = await _used(transport, model, " ".join(WORDS))
    mean = max((many - few) / (MANY - FEW), 0.25)
    return TokenCosts(max(few - mean * FEW, 0.0), (mean,) * len(WORDS))


async def _used(transport: Transport, model: str, text: str) -> int:
    body = msgspec.json.encode({"model": model, "prompt": text, "max_tokens": 1})
    answer = await transport.post(COMPLETIONS, body, CALL_TIMEOUT_S)
    if answer.status != 200:
        reason = refusal_reason(answer.status, answer.body)
        raise VConsoleError(f"{transport.url} refuses a completion: {reason}")
    with contextlib.suppress(msgspec.MsgspecError):
        usage = msgspec.json.decode(answer.body, type=_Answer).usage
        if usage is not None and usage.prompt_tokens:
            return usage.prompt_tokens
    # Nothing is told: a word and a third of it, as of English (a rule of thumb).
    return round(len(text.split()) * 4 / 3)
