"""Prompts that are longer than the model takes, found before a batch runs by its own tokenizer.

A token is at least a byte, so that only bodies of more bytes than the model takes tokens can be too
long. Of those the longest are tokenized, until a whole round of them fits.
"""

from __future__ import annotations

import asyncio
import heapq
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from vconsole.requests.batch.model import BadLine, Item
from vconsole.requests.batch.peer import CALL_TIMEOUT_S, Peer
from vconsole.requests.transport import TransportError

ROUND, MOST_ASKED = 20, 200


class _Body(msgspec.Struct):
    model: str
    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    prompt: str | msgspec.UnsetType = msgspec.UNSET
    input: str | msgspec.UnsetType = msgspec.UNSET
    max_tokens: int | None = None
    max_completion_tokens: int | None = None


@dataclass(slots=True)
class Longest:
    """The longest requests of an input that may be too long, at most `MOST_ASKED` of them."""

    most_tokens: int | None
    seen: int = 0
    _heap: list[tuple[int, int, Item]] = field(default_factory=list)

    def see(self, item: Item) -> None:
        if self.most_tokens is None or len(item.body) <= self.most_tokens:
            return
        self.seen += 1
        entry = (len(item.body), -item.number, item)
        if len(self._heap) < MOST_ASKED:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def in_order(self) -> list[Item]:
        """The longest first."""
        return [item for _, _, item in sorted(self._heap, reverse=True)]


@dataclass(frozen=True, slots=True)
class TooLong:
    """Requests that the server will refuse; with `more` there may be others like them."""

    lines: tuple[BadLine, ...] = ()
    more: bool = False


async def find_too_long(peer: Peer, longest: Longest) -> TooLong:
    """Ask the server's tokenizer; one without such finds nothing."""
    if longest.most_tokens is None:
        return TooLong()
    items, found = longest.in_order(), list[BadLine]()
    for begin in range(0, len(items), ROUND):
        judged = (_judged(peer, item, longest.most_tokens) for item in items[begin : begin + ROUND])
        bad = [one for one in await asyncio.gather(*judged) if one is not None]
        found += bad
        if not bad:
            return TooLong(_by_number(found))
    return TooLong(_by_number(found), more=bool(found) and longest.seen > len(items))


async def _judged(peer: Peer, item: Item, most_tokens: int) -> BadLine | None:
    try:
        body = msgspec.json.decode(item.body, type=_Body)
    except msgspec.MsgspecError:
        # Prompts that are tokens already, or several in one: left to the server.
        return None
    tokens = await _tokens(peer, body)
    answer = body.max_completion_tokens or body.max_tokens or 0
    if tokens is None or tokens + max(answer, 1) <= most_tokens:
        return None
    and_answer = f" and {answer:,} are to follow" if answer else ""
    words = f"the prompt has {tokens:,} tokens{and_answer}; the model takes {most_tokens:,}"
    return BadLine(item.number, "too_long", words, item.key)


async def _tokens(peer: Peer, body: _Body) -> int | None:
    """How many tokens the prompt has; None where the server does not say."""
    wanted: dict[str, object] = {"model": body.model}
    if body.messages is not msgspec.UNSET:
        wanted["messages"] = body.messages
    else:
        wanted["prompt"] = body.prompt if body.prompt is not msgspec.UNSET else body.input
    if peer.transport is None or wanted.get("prompt") is msgspec.UNSET:
        return None
    with suppress(TransportError, msgspec.MsgspecError, UnicodeDecodeError):
        payload = msgspec.json.encode(wanted)
        answer = await peer.transport.post("/tokenize", payload, CALL_TIMEOUT_S)
        if answer.status == 200:
            return msgspec.json.decode(answer.body, type=_Counted).count
    return None


class _Counted(msgspec.Struct):
    count: int


def _by_number(found: list[BadLine]) -> tuple[BadLine, ...]:
    return tuple(sorted(found, key=lambda bad: bad.number))
