"""What an answer is worth: whole, cut off, empty, refused, or nonsense; and its line in a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from vconsole.engine.http.protocol import BROKEN_OFF, refusal_reason
from vconsole.requests.batch.model import BadLine, Counts, Item

# vLLM 0.6 to 0.32: `This model's maximum context length is ...`, `... max_model_len ...`.
TOO_LONG_MARKS = ("maximum context length", "max_model_len", "longer than the maximum")
LINE = (
    b'{"id":"batch_req_%08x","custom_id":%b,"response":{"status_code":200,"request_id":%b,'
    b'"body":%b},"error":null}\n'
)


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    text: str | None = None
    message: _Message | None = None

    @property
    def is_empty(self) -> bool:
        message = self.message
        if message is not None and (message.content or message.tool_calls):
            return not (message.tool_calls or (message.content or "").strip())
        return not (self.text or "").strip()


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class AnswerBody(msgspec.Struct):
    """A completion, a chat completion or embeddings, as far as they are judged."""

    id: str = ""
    choices: list[_Choice] | None = None
    data: list[msgspec.Raw] | None = None
    usage: _Usage | None = None


class Whole(StrEnum):
    WHOLE = "whole"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    ABORTED = "aborted"
    """The server broke it off, as it does with all that runs when it is stopped: no answer."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that is kept: how complete it is, and its tokens."""

    whole: Whole
    id: str
    prompt_tokens: int
    generation_tokens: int

    def count(self, counts: Counts) -> None:
        counts.completed += 1
        counts.prompt_tokens += self.prompt_tokens
        counts.generation_tokens += self.generation_tokens
        counts.truncated += self.whole is Whole.TRUNCATED
        counts.empty += self.whole is Whole.EMPTY


_BODIES = msgspec.json.Decoder(AnswerBody)


def judge(body: bytes) -> Judged | None:
    """What an answer of status 200 is worth; None where it is no answer at all."""
    try:
        return judged(_BODIES.decode(body))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def judged(answer: AnswerBody) -> Judged | None:
    usage = answer.usage or _Usage()
    tokens = (usage.prompt_tokens or 0, usage.completion_tokens or 0)
    if answer.choices:
        whole = Whole.WHOLE
        if any(choice.finish_reason in BROKEN_OFF for choice in answer.choices):
            whole = Whole.ABORTED
        elif any(choice.finish_reason == "length" for choice in answer.choices):
            whole = Whole.TRUNCATED
        elif any(choice.is_empty for choice in answer.choices):
            whole = Whole.EMPTY
        return Judged(whole, answer.id, *tokens)
    return Judged(Whole.WHOLE, answer.id, *tokens) if answer.data else None


def answer_line(item: Item, judged: Judged, body: bytes) -> bytes:
    """The line of an answer in OpenAI's batch format, the server's own JSON inside."""
    if b"\n" in body or b"\r" in body:
        body = msgspec.json.encode(msgspec.json.decode(body))
    key, request_id = msgspec.json.encode(item.key), msgspec.json.encode(judged.id)
    return LINE % (item.number, key, request_id, body)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request has no answer: a word, the reason, and what the server said, if it did."""

    code: str
    message: str
    status: int | None = None
    body: bytes = b""

    @classmethod
    def refused(cls, status: int, body: bytes) -> Failure:
        reason = refusal_reason(status, body)
        too_long = status == 400 and any(mark in reason for mark in TOO_LONG_MARKS)
        code = "too_long" if too_long else f"http_{status}"
        return cls(code, reason, status, body)


class _Error(msgspec.Struct):
    code: str
    message: str = ""
    line: int = 0
    attempts: int = 0


class AnswerLine(msgspec.Struct):
    """A line of the output, its body judged as when it arrived."""

    class Inner(msgspec.Struct):
        status_code: int
        body: AnswerBody

    custom_id: str
    response: Inner


class ErrorLine(msgspec.Struct):
    custom_id: str | None
    error: _Error


class _ErrorResponse(msgspec.Struct):
    status_code: int
    request_id: str
    body: object


class _ErrorLine(msgspec.Struct):
    id: str
    custom_id: str | None
    response: _ErrorResponse | None
    error: _Error


def failure_line(item: Item, failure: Failure) -> bytes:
    """The line of a request that failed, in OpenAI's batch format."""
    response = None
    if failure.status is not None:
        response = _ErrorResponse(failure.status, "", _readable(failure.body))
    error = _Error(failure.code, failure.message, item.number, item.attempts)
    return _encoded(_ErrorLine(f"batch_req_{item.number:08x}", item.key, response, error))


def bad_line(bad: BadLine) -> bytes:
    """The line of an input line that makes no request."""
    error = _Error(bad.code, bad.message, bad.number)
    return _encoded(_ErrorLine(f"batch_req_{bad.number:08x}", bad.custom_id, None, error))


def _encoded(line: _ErrorLine) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _readable(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return body[:2000].decode("utf-8", "replace")
