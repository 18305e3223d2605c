"""Text files line by line: whole requests, prompts, JSON rows; bounded whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from vconsole.requests.batch.model import BadLine
from vconsole.requests.batch.source.shaping import Entry, Shape
from vconsole.requests.batch.template import MissingColumnError, fill

LONGEST_LINE_BYTES = 64 << 20
BOM = b"\xef\xbb\xbf"


def raw_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line that is not blank; None for one that is too long to be read."""
    with path.open("rb", buffering=1 << 20) as file:
        number = 0
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(BOM)
            if len(line) > LONGEST_LINE_BYTES:
                _skip_to_end(file, line)
                yield number, None
            elif not line.isspace() and line:
                yield number, line


def requests(path: Path, shape: Shape) -> Iterator[Entry]:
    """Lines of OpenAI's batch format."""
    for number, line in raw_lines(path):
        yield _too_long(number) if line is None else shape.of_line(number, line)


def prompts(path: Path, shape: Shape) -> Iterator[Entry]:
    """Each line is a prompt."""
    for number, line in raw_lines(path):
        if line is None:
            yield _too_long(number)
            continue
        try:
            prompt = line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            yield BadLine(number, "bad_line", "the line is not UTF-8")
            continue
        yield shape.of_prompt(number, f"line-{number}", prompt)


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, object] | BadLine]]:
    """Each line is an object whose fields are columns."""
    for number, line in raw_lines(path):
        if line is None:
            yield number, _too_long(number)
            continue
        try:
            yield number, msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield number, BadLine(number, "bad_line", f"no JSON object: {error}")


def filled(number: int, row: dict[str, object], template: str, shape: Shape) -> Entry:
    """The request of a row; its id is its own `custom_id` or `id`, else its number."""
    key = key_of(number, row)
    try:
        prompt = fill(template, row)
    except MissingColumnError as error:
        there = ", ".join(list(row)[:20])
        return BadLine(number, "bad_line", f"the row has no column {error}; it has {there}", key)
    return shape.of_prompt(number, key, prompt)


def key_of(number: int, row: dict[str, object]) -> str:
    given = row.get("custom_id") or row.get("id")
    return str(given)[:512] if isinstance(given, str | int) and given else f"row-{number}"


def _skip_to_end(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(1 << 20)


def _too_long(number: int) -> BadLine:
    return BadLine(number, "bad_line", f"the line is longer than {LONGEST_LINE_BYTES >> 20} MiB")
