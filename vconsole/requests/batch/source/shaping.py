"""From what a line says to the request that is sent, or to why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from vconsole.requests.batch.model import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    PATHS,
    BadLine,
    BatchSpec,
    Endpoint,
    Item,
)

LONGEST_ID_BYTES = 512
Entry = Item | BadLine


class _Line(msgspec.Struct):
    """A line of OpenAI's batch format."""

    custom_id: str
    body: msgspec.Raw
    url: str = CHAT
    method: str = "POST"


class _Body(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    seed: int | None = None
    priority: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    messages: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    prompt: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    input: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


NEEDED = {CHAT: "messages", COMPLETIONS: "prompt", EMBEDDINGS: "input"}
_LINES = msgspec.json.Decoder(_Line)
_BODIES = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the server is known to take: `models` it answers to, `model` for those that name none.

    `endpoint` is where prompts go; empty `models` are not checked.
    """

    model: str
    models: frozenset[str] = frozenset()
    endpoint: Endpoint = Endpoint.CHAT
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: BatchSpec, model: str, models: frozenset[str], endpoint: Endpoint) -> Shape:
        extra = msgspec.json.decode(spec.extra, type=dict[str, object]) if spec.extra else {}
        told = (spec.system, spec.max_tokens, spec.temperature, extra)
        return cls(model, models, endpoint, *told)

    def of_line(self, number: int, raw: bytes) -> Entry:
        """A line of OpenAI's batch format."""
        try:
            if not raw.isascii():
                raw.decode()
            line = _LINES.decode(raw)
            body = _BODIES.decode(line.body)
        except UnicodeDecodeError:
            return BadLine(number, "bad_line", "the line is not UTF-8")
        except (msgspec.MsgspecError, RecursionError) as error:
            return BadLine(number, "bad_line", f"no request of a batch: {error}", _id_of(raw))
        wrong = self._wrong(line, body)
        if wrong:
            return BadLine(number, *wrong, line.custom_id or None)
        sent = bytes(line.body).strip()
        if body.model is None:
            rest = sent[1:].lstrip()
            model = msgspec.json.encode(self.model)
            sent = b'{"model":' + model + (b"," if rest != b"}" else b"") + rest
        deterministic = body.temperature == 0 or body.seed is not None or line.url == EMBEDDINGS
        has_priority = body.priority is not msgspec.UNSET
        return Item(number, line.custom_id, line.url, sent, deterministic, has_priority)

    def of_prompt(self, number: int, key: str, prompt: str) -> Entry:
        """A request made of a prompt."""
        if not prompt.strip():
            return BadLine(number, "empty_prompt", "the prompt is empty", key)
        body: dict[str, object] = {"model": self.model}
        if self.endpoint is Endpoint.EMBEDDINGS:
            path, body = EMBEDDINGS, body | {"input": prompt}
        elif self.endpoint is Endpoint.COMPLETIONS:
            text = f"{self.system}\n\n{prompt}" if self.system else prompt
            path, body = COMPLETIONS, body | {"prompt": text}
        else:
            system = [{"role": "system", "content": self.system}] if self.system else []
            messages = [*system, {"role": "user", "content": prompt}]
            path, body = CHAT, body | {"messages": messages}
        if path != EMBEDDINGS:
            if self.max_tokens is not None:
                body["max_tokens"] = self.max_tokens
            if self.temperature is not None:
                body["temperature"] = self.temperature
        body |= self.extra
        try:
            sent = msgspec.json.encode(body)
        except (UnicodeEncodeError, msgspec.MsgspecError):
            return BadLine(number, "bad_line", "the prompt is not UTF-8", None)
        return Item(number, key, path, sent, self._deterministic or path == EMBEDDINGS)

    @property
    def _deterministic(self) -> bool:
        """Whether a prompt is answered the same each time."""
        told = {"temperature": self.temperature, **self.extra}
        return told["temperature"] == 0 or told.get("seed") is not None

    def _wrong(self, line: _Line, body: _Body) -> tuple[str, str] | None:
        """Code and words for a line that the server would refuse, or never answer as it should."""
        if not line.custom_id or len(line.custom_id) > LONGEST_ID_BYTES:
            return "bad_line", f"custom_id must have 1 to {LONGEST_ID_BYTES} characters"
        if line.method.upper() != "POST":
            return "bad_line", f"the method is {line.method!r}, not POST"
        if line.url not in PATHS:
            return "bad_line", f"the url is {line.url!r}, not one of {', '.join(sorted(PATHS))}"
        if getattr(body, NEEDED[line.url]) is msgspec.UNSET:
            return "bad_line", f"the body has no `{NEEDED[line.url]}`"
        if body.stream:
            return "bad_line", "the body asks for a stream, which a batch cannot keep"
        if self.models and body.model is not None and body.model not in self.models:
            served = ", ".join(sorted(self.models))
            return "wrong_model", f"the model is {body.model!r}; the server has {served}"
        return None


class _OnlyId(msgspec.Struct):
    custom_id: str | None = None


def _id_of(raw: bytes) -> str | None:
    """The id of a line that is otherwise none, so that its user finds it again."""
    try:
        found = msgspec.json.decode(raw, type=_OnlyId).custom_id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return found[:LONGEST_ID_BYTES] if found else None
