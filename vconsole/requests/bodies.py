"""The JSON bodies of requests, as OpenAI's API and vLLM take them."""

from __future__ import annotations

from typing import Any

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.messages import AskRequest

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
MOST_SAMPLES = 128
# What the reader of the answer relies on.
NOT_EXTRA = frozenset({"stream", "stream_options", "n", "messages", "prompt"})


def path_and_body(request: AskRequest, model: str | None) -> tuple[str, dict[str, Any]]:
    """Where the request goes, and what is sent there."""
    if request.raw:
        return COMPLETIONS, completion_body(request, model)
    return CHAT, chat_body(request, model)


def chat_body(request: AskRequest, model: str | None) -> dict[str, Any]:
    system = [{"role": "system", "content": request.system}] if request.system else []
    turns = [{"role": turn.role, "content": turn.content} for turn in request.turns]
    user = {"role": "user", "content": _content(request)}
    body = _common(request, model) | {"messages": [*system, *turns, user]}
    if request.tools:
        body["tools"] = list(request.tools)
    return body | _extra(request)


def completion_body(request: AskRequest, model: str | None) -> dict[str, Any]:
    """A plain completion: what a chat would say in roles is put one after the other."""
    if request.images or request.tools:
        raise VConsoleError(
            "a plain completion takes neither images nor tools",
            "send it as a chat",
            ExitCode.USAGE,
        )
    parts = [request.system, *(turn.content for turn in request.turns), request.prompt]
    prompt = "\n\n".join(part for part in parts if part)
    return _common(request, model) | {"prompt": prompt} | _extra(request)


def _content(request: AskRequest) -> str | list[dict[str, Any]]:
    if not request.images:
        return request.prompt
    images = [{"type": "image_url", "image_url": {"url": url}} for url in request.images]
    return [*images, {"type": "text", "text": request.prompt}]


def _extra(request: AskRequest) -> dict[str, Any]:
    if taken := sorted(NOT_EXTRA & request.extra.keys()):
        raise VConsoleError(
            f"{', '.join(taken)} cannot be given as an extra", exit_code=ExitCode.USAGE
        )
    return request.extra


def _common(request: AskRequest, model: str | None) -> dict[str, Any]:
    if not 1 <= request.samples <= MOST_SAMPLES:
        raise VConsoleError(
            f"{request.samples} samples are not possible",
            f"ask for 1 to {MOST_SAMPLES}",
            ExitCode.USAGE,
        )
    chosen = {
        "model": model,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "n": request.samples if request.samples > 1 else None,
        "response_format": _response_format(request.json_schema),
    }
    body: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    body["stream"] = request.stream
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    return body


def _response_format(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    named = {"name": "answer", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}
