"""The latest lines of a batch's output or errors file, from its tail alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

# Of an output that grows without end so much is read, more where a line is longer.
TAIL_BYTES = 1 << 16
LONGEST_LINE_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """One line: an answer with its text, or a failure with its word and why."""

    custom_id: str
    text: str = ""
    finish_reason: str | None = None
    reasoning: str = ""
    tokens: int | None = None
    code: str | None = None
    line: int | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    text: str | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] | None = None
    data: list[dict[str, object]] | None = None
    usage: _Usage | None = None


class _Response(msgspec.Struct):
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""
    line: int | None = None


class _Line(msgspec.Struct):
    custom_id: str | None = None
    response: _Response | None = None
    error: _Error | None = None


_LINES = msgspec.json.Decoder(_Line)
_BODIES = msgspec.json.Decoder(_Body)


def latest(path: Path, most: int) -> tuple[Result, ...]:
    """The last whole lines, newest first; none where there is no file. Raises OSError."""
    wanted_bytes = TAIL_BYTES
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            while True:
                start = max(0, size - wanted_bytes)
                lines = _whole_lines(os.pread(file.fileno(), size - start, start), start)
                if lines or start == 0 or wanted_bytes >= LONGEST_LINE_BYTES:
                    break
                wanted_bytes *= 8
    except FileNotFoundError:
        return ()
    found = (_result(line) for line in reversed(lines[-most:]))
    return tuple(result for result in found if result is not None)


def _whole_lines(block: bytes, start: int) -> list[bytes]:
    """What stands between two line ends; a torn first or last line is none."""
    lines = block.split(b"\n")
    return [line for line in lines[1 if start else 0 : -1] if line]


def _result(raw: bytes) -> Result | None:
    try:
        line = _LINES.decode(raw)
        name = line.custom_id or ""
        if line.error is not None:
            error = line.error
            return Result(name, error.message, code=error.code or "failed", line=error.line)
        body = _BODIES.decode(line.response.body) if line.response else _Body()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    tokens = body.usage.completion_tokens if body.usage else None
    if not body.choices:
        return Result(name, _vectors(body), tokens=tokens)
    choice = body.choices[0]
    message = choice.message or _Message(choice.text)
    thoughts = message.reasoning or message.reasoning_content or ""
    text = message.content or _calls(message)
    return Result(name, text, choice.finish_reason, thoughts, tokens)


def _calls(message: _Message) -> str:
    functions = (call.function for call in message.tool_calls or () if call.function)
    return "\n".join(f"calls {f.name}({f.arguments or ''})" for f in functions)


def _vectors(body: _Body) -> str:
    vectors = [entry.get("embedding") for entry in body.data or ()]
    sizes = [len(vector) for vector in vectors if isinstance(vector, list)]
    return f"{len(sizes)} x {sizes[0]:,} numbers" if sizes else ""
