"""A request as something to take away: a curl command, a Python script, a line of a batch.

No key is ever written: both programs read it from `VLLM_API_KEY`.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from pprint import pformat
from typing import Any

import msgspec

from vconsole.requests.bodies import path_and_body
from vconsole.requests.messages import AskRequest

END_OF_BODY = "END_OF_BODY"
# What `openai` takes by name in both of its calls; anything else goes into `extra_body`.
KNOWN = frozenset(
    {
        "model",
        "messages",
        "prompt",
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "n",
        "response_format",
        "tools",
        "tool_choice",
        "stream",
        "stream_options",
        "frequency_penalty",
        "presence_penalty",
    }
)
CHAT_ONLY = frozenset({"response_format"})
LINE_CELLS = 88


class Form(StrEnum):
    """The word on the command line for each."""

    CURL = "curl"
    PYTHON = "python"
    BATCH = "batch"


def exported(form: Form, request: AskRequest, url: str, model: str | None) -> str:
    """The request in that form, without a line break at its end; `url` is the server's root."""
    path, body = path_and_body(request, model)
    root = url.rstrip("/").removesuffix("/v1")
    if form is Form.CURL:
        return _curl(root + path, body)
    if form is Form.PYTHON:
        return _python(f"{root}/v1", body, chat="messages" in body)
    return _batch_line(path, body)


def _curl(url: str, body: dict[str, Any]) -> str:
    """The body comes on stdin, since an argument cannot be longer than 128 KiB."""
    text = msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    return (
        f"curl -sS -N {shlex.quote(url)} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer ${VLLM_API_KEY:-none}" \\\n'
        f"  --data-binary @- <<'{END_OF_BODY}'\n{text}\n{END_OF_BODY}"
    )


def _batch_line(path: str, body: dict[str, Any]) -> str:
    kept = {name: body[name] for name in body if name not in {"stream", "stream_options"}}
    line = {"custom_id": "request-1", "method": "POST", "url": path, "body": kept}
    return msgspec.json.encode(line).decode()


def _python(base_url: str, body: dict[str, Any], chat: bool) -> str:
    own = KNOWN if chat else KNOWN - CHAT_ONLY
    arguments = {name: value for name, value in body.items() if name in own}
    if extra := {name: value for name, value in body.items() if name not in own}:
        arguments["extra_body"] = extra
    lines = [f"    {name}={_literal(value)}," for name, value in arguments.items()]
    call = "client.chat.completions.create" if chat else "client.completions.create"
    head = (
        "import os\n\nfrom openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{base_url}", api_key=os.environ.get("VLLM_API_KEY", "none"))\n'
        f"answer = {call}(\n"
    )
    return head + "\n".join(lines) + "\n)\n" + _printing(bool(body["stream"]), chat)


def _literal(value: Any) -> str:
    return pformat(value, width=LINE_CELLS, sort_dicts=False).replace("\n", "\n    ")


def _printing(streamed: bool, chat: bool) -> str:
    if not streamed:
        of_choice = "choice.message.content" if chat else "choice.text"
        return f"for choice in answer.choices:\n    print({of_choice})"
    of_choice = 'choice.delta.content or ""' if chat else "choice.text"
    return (
        "for chunk in answer:\n"
        "    for choice in chunk.choices:\n"
        f'        print({of_choice}, end="", flush=True)\n'
        "print()"
    )
