"""One request to a model: its answer as a stream of events, and what it took.

Errors are events too, so that a reader has one loop; closing the iterator aborts in the server.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from time import perf_counter
from typing import Any

from vconsole.engine.client import EngineClient, EngineGoneError, EngineRefusedError
from vconsole.engine.protocol import Reply, Tokens, Usage, error_text
from vconsole.errors import VConsoleError
from vconsole.requests.messages import AskEvent, AskRequest

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
# A long prompt behind a long queue is silent for minutes and still well.
SILENCE_S = 600.0
NO_TEMPLATE_NOTE = "the model has no chat template: sent as a plain completion"


async def ask(
    url: str,
    request: AskRequest,
    api_key: str | None = None,
    *,
    model: str | None = None,
    uds: str | None = None,
    silence_s: float = SILENCE_S,
) -> AsyncGenerator[AskEvent]:
    """Send a chat (a plain completion where the model has no chat template) and yield its events.

    `model` is the served name; vLLM answers with its base model without one. `silence_s` bounds
    the wait for each piece of the answer. Never raises a `VConsoleError`; it becomes an event.
    """
    try:
        async with (
            EngineClient(url, api_key, uds) as client,
            aclosing(_events(client, request, model, silence_s)) as events,
        ):
            async for event in events:
                yield event
    except VConsoleError as error:
        yield AskEvent("error", error=error.body())


def lacks_template(error: EngineRefusedError) -> bool:
    """Whether vLLM refused a chat because the model has no chat template (vLLM 0.4 to 0.32)."""
    return error.status == 400 and "must provide a chat template" in error.reason


async def _events(
    client: EngineClient, request: AskRequest, model: str | None, silence_s: float
) -> AsyncGenerator[AskEvent]:
    try:
        async with aclosing(_answer(client, CHAT, _chat(request, model), silence_s)) as events:
            async for event in events:
                yield event
        return
    except EngineRefusedError as error:
        if not lacks_template(error):
            raise
    yield AskEvent("note", NO_TEMPLATE_NOTE)
    body = await _completion(client, request, model)
    async with aclosing(_answer(client, COMPLETIONS, body, silence_s)) as events:
        async for event in events:
            yield event


def _chat(request: AskRequest, model: str | None) -> dict[str, Any]:
    system = [{"role": "system", "content": request.system}] if request.system else []
    messages = [*system, {"role": "user", "content": request.prompt}]
    return _common(request, model) | {"messages": messages}


async def _completion(
    client: EngineClient, request: AskRequest, model: str | None
) -> dict[str, Any]:
    prompt = f"{request.system}\n\n{request.prompt}" if request.system else request.prompt
    body = _common(request, model) | {"prompt": prompt}
    if request.max_tokens is None:
        # A chat may use all that is left of the context; a completion stops at 16 tokens.
        of_prompt = await client.post("/tokenize", {"model": model, "prompt": prompt}, Tokens)
        if of_prompt.max_model_len is not None:
            body["max_tokens"] = max(1, of_prompt.max_model_len - len(of_prompt.tokens))
    return body


def _common(request: AskRequest, model: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"stream": request.stream}
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    chosen = {
        "model": model,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    return body | {name: value for name, value in chosen.items() if value is not None}


async def _answer(
    client: EngineClient, path: str, body: dict[str, Any], silence_s: float
) -> AsyncGenerator[AskEvent]:
    answer = _Answer()
    if body["stream"]:
        async with aclosing(client.stream(path, body, Reply, silence_s)) as replies:
            async for reply in replies:
                for event in answer.take(reply):
                    yield event
    else:
        for event in answer.take(await client.post(path, body, Reply, silence_s)):
            yield event
    yield answer.done(streamed=body["stream"])


class _Answer:
    """What has arrived of one answer, with its times."""

    def __init__(self) -> None:
        self._sent_s = perf_counter()
        self._first_piece_s: float | None = None
        self._first_text_s: float | None = None
        self._last_piece_s = self._sent_s
        self._finish_reason: str | None = None
        self._usage = Usage()

    def take(self, reply: Reply) -> Iterator[AskEvent]:
        now_s = perf_counter()
        if reply.error is not None:
            raise EngineGoneError(
                f"the server broke off the answer: {error_text(reply.error)}",
                "see why: vconsole status, vconsole logs",
                kind="gone",
            )
        self._usage = reply.usage or self._usage
        if not reply.choices:
            return
        choice = reply.choice
        self._first_piece_s = self._first_piece_s or now_s
        self._last_piece_s = now_s
        self._finish_reason = choice.finish_reason or self._finish_reason
        for kind, text in (("reasoning", choice.thinking), ("text", choice.content)):
            if text:
                self._first_text_s = self._first_text_s or now_s
                yield AskEvent(kind, text)

    def done(self, *, streamed: bool) -> AskEvent:
        if self._finish_reason is None:
            raise EngineGoneError("the server ended the answer before it was complete", kind="gone")
        ttft_s = None
        if streamed and self._first_text_s is not None:
            ttft_s = self._first_text_s - self._sent_s
        return AskEvent(
            "done",
            finish_reason=self._finish_reason,
            prompt_tokens=self._usage.prompt_tokens,
            completion_tokens=self._usage.completion_tokens,
            ttft_ms=None if ttft_s is None else ttft_s * 1000,
            total_ms=(perf_counter() - self._sent_s) * 1000,
            tokens_per_s=self._streamed_rate() if streamed else self._whole_rate(),
        )

    def _streamed_rate(self) -> float | None:
        """Tokens after the first over the time that they took: prefill is not in it."""
        tokens, first_s = self._usage.completion_tokens, self._first_piece_s
        if tokens is None or tokens < 2 or first_s is None or self._last_piece_s <= first_s:
            return None
        return (tokens - 1) / (self._last_piece_s - first_s)

    def _whole_rate(self) -> float | None:
        tokens, seconds = self._usage.completion_tokens, self._last_piece_s - self._sent_s
        return None if tokens is None or seconds <= 0 else tokens / seconds
