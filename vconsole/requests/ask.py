"""One request to a model: its answer as a stream of events, and what it took.

Errors are events too, so that a reader has one loop; closing the iterator aborts in the server.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from vconsole.engine.http.client import EngineClient, EngineRefusedError
from vconsole.engine.http.protocol import Reply, Tokens
from vconsole.errors import VConsoleError
from vconsole.requests.answer import Answer
from vconsole.requests.bodies import CHAT, COMPLETIONS, chat_body, completion_body
from vconsole.requests.messages import AskEvent, AskRequest

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
    if not request.raw:
        body = chat_body(request, model)
        try:
            async with aclosing(_answer(client, CHAT, body, silence_s)) as events:
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


async def _completion(
    client: EngineClient, request: AskRequest, model: str | None
) -> dict[str, Any]:
    body = completion_body(request, model)
    if request.max_tokens is None and "max_tokens" not in request.extra:
        # A chat may use all that is left of the context; a completion stops at 16 tokens.
        wanted = {"model": model, "prompt": body["prompt"]}
        of_prompt = await client.post("/tokenize", wanted, Tokens)
        if of_prompt.max_model_len is not None:
            body["max_tokens"] = max(1, of_prompt.max_model_len - len(of_prompt.tokens))
    return body


async def _answer(
    client: EngineClient, path: str, body: dict[str, Any], silence_s: float
) -> AsyncGenerator[AskEvent]:
    streamed = bool(body["stream"])
    answer = Answer(samples=body.get("n", 1), streamed=streamed)
    if streamed:
        async with aclosing(client.stream(path, body, Reply, silence_s)) as replies:
            async for reply in replies:
                for event in answer.take(reply):
                    yield event
    else:
        for event in answer.take(await client.post(path, body, Reply, silence_s)):
            yield event
    yield answer.done()
