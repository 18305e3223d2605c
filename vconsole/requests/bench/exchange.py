"""One streamed request with the instants of its pieces, as a client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgspec

from vconsole.engine.http.protocol import refusal_reason
from vconsole.errors import VConsoleError
from vconsole.requests.bench.model import Prompt, Workload
from vconsole.requests.transport import Fault, Response, Transport, TransportError

MOST_TRIES = 3
BROKEN_OFF = frozenset({"abort", "error"})


@dataclass(slots=True)
class Exchange:
    """Instants are of `perf_counter`; `failure` is a word for the kind, `reason` its words.

    `wanted_s` is when it was due: with a rate it may have had to wait for its turn.
    """

    wanted_s: float
    pieces_s: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    generation_tokens: int = 0
    cached_tokens: int | None = None
    text: str = ""
    finish_reason: str | None = None
    failure: str | None = None
    reason: str | None = None

    @property
    def ttft_s(self) -> float:
        return self.pieces_s[0] - self.wanted_s

    @property
    def e2e_s(self) -> float:
        return self.pieces_s[-1] - self.wanted_s

    @property
    def tpot_s(self) -> float | None:
        """The rest of its time by the rest of its tokens; None for a single token."""
        more = self.generation_tokens - 1
        return (self.pieces_s[-1] - self.pieces_s[0]) / more if more > 0 else None

    @property
    def gaps_s(self) -> list[float]:
        return [b - a for a, b in zip(self.pieces_s, self.pieces_s[1:], strict=False)]


class _Piece(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    text: str | None = None
    delta: _Piece | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


_EVENTS = msgspec.json.Decoder(_Event)


def body_of(prompt: Prompt, workload: Workload, model: str) -> bytes:
    """What is sent: a stream with its usage, as long as the workload wants it."""
    body: dict[str, Any] = {"model": model, **prompt.body}
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    if workload.temperature is not None:
        body.setdefault("temperature", workload.temperature)
    if prompt.output_tokens is not None:
        body["max_tokens"] = prompt.output_tokens
        body.pop("max_completion_tokens", None)
        if workload.exact_output:
            body["ignore_eos"] = True
    return msgspec.json.encode(body)


async def carry_out(
    transport: Transport,
    path: str,
    body: bytes,
    silence_s: float,
    *,
    wanted_s: float | None = None,
    keeps_text: bool = False,
) -> Exchange:
    """Send it and time its pieces; never raises for what a server does.

    A connection that the server had dropped while idle is no failure: it is sent again at once.
    """
    for _ in range(MOST_TRIES):
        exchange = Exchange(perf_counter() if wanted_s is None else wanted_s)
        take = _Taker(exchange, keeps_text)
        try:
            response = await transport.stream(path, body, silence_s, take)
        except TransportError as error:
            if error.fault is Fault.DROPPED:
                continue
            exchange.failure, exchange.reason = error.fault.value, error.message
            return exchange
        return _judged(exchange, response)
    exchange.failure, exchange.reason = Fault.DROPPED.value, "the server drops idle connections"
    return exchange


def _judged(exchange: Exchange, response: Response) -> Exchange:
    if response.status in {401, 403}:
        raise VConsoleError(
            "the server refused the API key", "give the right one in VLLM_API_KEY", kind="no_key"
        )
    if response.status != 200:
        exchange.failure = f"http_{response.status}"
        exchange.reason = refusal_reason(response.status, response.body)
    elif exchange.failure is None and not exchange.pieces_s:
        exchange.failure, exchange.reason = "no_answer", "the answer had no piece"
    elif exchange.finish_reason in BROKEN_OFF:
        exchange.failure = "aborted"
        exchange.reason = f"the server ended it: {exchange.finish_reason}"
    # Who tells no usage sends a token a piece, as far as can be known.
    exchange.generation_tokens = exchange.generation_tokens or len(exchange.pieces_s)
    return exchange


class _Taker:
    """Takes the events of one stream as they arrive."""

    __slots__ = ("_exchange", "_keeps_text")

    def __init__(self, exchange: Exchange, keeps_text: bool) -> None:
        self._exchange, self._keeps_text = exchange, keeps_text

    def __call__(self, data: bytes) -> None:
        now_s = perf_counter()
        if data == b"[DONE]":
            return
        exchange = self._exchange
        try:
            event = _EVENTS.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            exchange.failure, exchange.reason = "nonsense", "an event is no JSON of a completion"
            return
        if event.error is not None:
            exchange.failure, exchange.reason = "stream_error", _words(event.error)
            return
        if event.choices:
            self._take_choice(event.choices[0], now_s)
        if event.usage is not None:
            self._take_usage(event.usage)

    def _take_choice(self, choice: _Choice, now_s: float) -> None:
        exchange = self._exchange
        exchange.finish_reason = choice.finish_reason or exchange.finish_reason
        piece = choice.delta
        if piece is None:
            exchange.pieces_s.append(now_s)
            if self._keeps_text:
                exchange.text += choice.text or ""
            return
        # A chat's first event has only the role: no token yet.
        if piece.content or piece.reasoning or piece.reasoning_content or piece.tool_calls:
            exchange.pieces_s.append(now_s)
            if self._keeps_text:
                exchange.text += piece.content or ""

    def _take_usage(self, usage: _Usage) -> None:
        exchange = self._exchange
        exchange.prompt_tokens = usage.prompt_tokens or exchange.prompt_tokens
        exchange.generation_tokens = usage.completion_tokens or exchange.generation_tokens
        if usage.prompt_tokens_details is not None:
            exchange.cached_tokens = usage.prompt_tokens_details.cached_tokens


def _words(error: object) -> str:
    return str(error.get("message", error) if isinstance(error, Mapping) else error)
