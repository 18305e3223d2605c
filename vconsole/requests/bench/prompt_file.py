"""Prompts out of a batch file: a sample of it, with what its answers are scored by."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BadLine, BatchSpec, Endpoint, Item
from vconsole.requests.batch.source import Shape, open_source
from vconsole.requests.batch.source.opening import Kind
from vconsole.requests.bench.model import CHAT, COMPLETIONS, Prompt

MEASURED_PATHS = frozenset({CHAT, COMPLETIONS})
UNWANTED = frozenset({"model", "stream", "stream_options", "max_tokens", "max_completion_tokens"})
MOST_LINES = 100_000


class _Line(msgspec.Struct):
    """What a line may say beside its request: the right answer."""

    reference: Any = None
    metadata: dict[str, Any] | None = None


def sampled(
    path: str, count: int, *, seed: int = 0, output_tokens: int | None = None
) -> tuple[Prompt, ...]:
    """At most `count` of a file's requests, evenly drawn; an error where it has none of use.

    Chats and completions alone are measured. `output_tokens` overrules what a request says.
    A reference answer is a line's `reference`, or `reference` in its `metadata`.
    """
    chance, kept = random.Random(seed), list[Prompt]()
    for seen, prompt in enumerate(islice(_prompts(Path(path), output_tokens), MOST_LINES)):
        if seen < count:
            kept.append(prompt)
        elif (at := chance.randrange(seen + 1)) < count:
            kept[at] = prompt
    if not kept:
        raise VConsoleError(
            f"{path} has no chat or completion to measure with",
            "see what it has: vconsole batch run FILE -o OUT --preview",
            ExitCode.USAGE,
            kind="no_prompts",
        )
    return tuple(kept)


def _prompts(path: Path, output_tokens: int | None) -> Iterator[Prompt]:
    source = open_source(BatchSpec(str(path), str(path)))
    shape = Shape(model="", endpoint=Endpoint.CHAT)
    lines = _raw_lines(path) if source.kind is Kind.REQUESTS else None
    for entry in source.read(shape):
        raw = lines.get(entry.number) if lines is not None else None
        if not isinstance(entry, BadLine) and entry.path in MEASURED_PATHS:
            yield _prompt_of(entry, raw, output_tokens)


def _prompt_of(item: Item, raw: bytes | None, output_tokens: int | None) -> Prompt:
    body: dict[str, Any] = msgspec.json.decode(item.body)
    own = body.get("max_completion_tokens") or body.get("max_tokens")
    return Prompt(
        item.path,
        {name: value for name, value in body.items() if name not in UNWANTED},
        output_tokens or (own if isinstance(own, int) else None),
        _schema_of(body),
        _reference_of(raw),
        item.key,
    )


def _schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Of `response_format`, or of vLLM's `structured_outputs` (before 0.12: `guided_json`)."""
    asked = body.get("response_format")
    if isinstance(asked, dict) and isinstance(wrapped := asked.get("json_schema"), dict):
        found = wrapped.get("schema")
        return found if isinstance(found, dict) else None
    structured = body.get("structured_outputs")
    found = structured.get("json") if isinstance(structured, dict) else body.get("guided_json")
    return found if isinstance(found, dict) else None


def _reference_of(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        line = msgspec.json.decode(raw, type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    found = (line.metadata or {}).get("reference") if line.reference is None else line.reference
    if found is None or isinstance(found, str):
        return found
    return msgspec.json.encode(found).decode()


def _raw_lines(path: Path) -> dict[int, bytes]:
    """The lines that name a reference, by their number; there is no need to keep the others."""
    with path.open("rb") as file:
        numbered = zip(range(1, MOST_LINES + 1), file, strict=False)
        return {number: line for number, line in numbered if b'"reference"' in line}
