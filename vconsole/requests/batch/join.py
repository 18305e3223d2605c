"""The input's columns with the answers beside them, as CSV, JSONL or Parquet."""

from __future__ import annotations

import csv
import os
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.ids import MASK_64
from vconsole.requests.batch.model import BadLine, BatchSpec
from vconsole.requests.batch.source.lines import key_of
from vconsole.requests.batch.source.opening import Source
from vconsole.requests.batch.source.tables import ROWS_AT_ONCE, pyarrow_parquet

ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")
COLUMNS = ("answer", "finish_reason", "error")
Row = dict[str, object]


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    text: str | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] | None = None
    data: list[dict[str, Any]] | None = None


class _Response(msgspec.Struct):
    body: _Body | object = None


class _Error(msgspec.Struct):
    message: str = ""


class _Line(msgspec.Struct):
    custom_id: str | None = None
    response: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


class _AnswerResponse(msgspec.Struct):
    body: _Body


def check_join(path: Path) -> None:
    """A usage error where the ending names no form that can be written."""
    if path.suffix.lower() not in ENDINGS:
        raise VConsoleError(
            f"--join cannot write {path.suffix or 'a file without an ending'}",
            f"use one of {', '.join(ENDINGS)}",
            ExitCode.USAGE,
        )
    if path.suffix.lower() == ".parquet":
        pyarrow_parquet()


def write_join(source: Source, spec: BatchSpec, expected: int) -> None:
    """Write the joined file whole or not at all, in the input's order; blocks."""
    assert spec.join is not None
    path = Path(spec.join)
    if not spec.input_path.is_file():
        raise VConsoleError(
            f"the input {spec.input_path} is gone, and {path.name} needs its columns",
            "put it back and resume the job: nothing is asked again",
            kind="input_gone",
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    index = _Index((spec.output_path, spec.errors_path), expected)
    try:
        _writer(path)(temporary, _joined(source, index))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise VConsoleError(
            f"cannot write {path}: {error.strerror}",
            "the answers are in the output; run the same command again to join them",
        ) from error
    finally:
        index.close()


def _joined(source: Source, index: _Index) -> Iterator[Row]:
    for number, row in source.rows():
        if isinstance(row, BadLine):
            continue
        text, finish_reason, error = index.find(key_of(number, row))
        yield {**row, "answer": text, "finish_reason": finish_reason, "error": error}


class _Index:
    """Where the line of each id is: its hash and offset, sixteen bytes each."""

    def __init__(self, files: tuple[Path, ...], expected: int) -> None:
        self._files = [path.open("rb") for path in files]
        size = 1 << max(10, (expected * 2 + 2).bit_length())
        self._last = size - 1
        self._hashes = array("Q", bytes(8 * size))
        self._places = array("Q", bytes(8 * size))
        decoder = msgspec.json.Decoder(_Line)
        for which, file in enumerate(self._files):
            at = 0
            for line in file:
                self._put(decoder.decode(line).custom_id, at * len(files) + which)
                at += len(line)

    def find(self, key: str) -> tuple[str | None, str | None, str | None]:
        """Text, finish reason and error of an id."""
        at = self._slot(hash(key) & MASK_64)
        if not self._places[at]:
            return None, None, "not run"
        offset, which = divmod(self._places[at] - 1, len(self._files))
        self._files[which].seek(offset)
        line = msgspec.json.decode(self._files[which].readline(), type=_Line)
        if line.error:
            return None, None, line.error.message
        return _text_of(msgspec.json.decode(line.response, type=_AnswerResponse).body)

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _put(self, key: str | None, place: int) -> None:
        if key is None:
            return
        hashed = hash(key) & MASK_64
        at = self._slot(hashed)
        if not self._places[at]:
            self._hashes[at], self._places[at] = hashed, place + 1

    def _slot(self, hashed: int) -> int:
        at = hashed & self._last
        while self._places[at] and self._hashes[at] != hashed:
            at = (at + 1) & self._last
        return at


def text_of(body: bytes) -> str | None:
    """The text of an answer as the server sent it."""
    return _text_of(msgspec.json.decode(body, type=_Body))[0]


def _text_of(body: _Body) -> tuple[str | None, str | None, str | None]:
    if body.choices:
        choice = body.choices[0]
        text = choice.message.content if choice.message else choice.text
        return text, choice.finish_reason, None
    vectors = [entry.get("embedding") for entry in body.data or ()]
    return msgspec.json.encode(vectors[0] if len(vectors) == 1 else vectors).decode(), None, None


def _writer(path: Path) -> Callable[[Path, Iterator[Row]], None]:
    if path.suffix.lower() == ".csv":
        return _write_csv
    return _write_parquet if path.suffix.lower() == ".parquet" else _write_jsonl


def _write_csv(path: Path, rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row), extrasaction="ignore", restval="")
                writer.writeheader()
            writer.writerow(row)


def _write_jsonl(path: Path, rows: Iterator[Row]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")


def _write_parquet(path: Path, rows: Iterator[Row]) -> None:
    import pyarrow

    arrow, writer, held = pyarrow_parquet(), None, list[Row]()

    def flush() -> None:
        nonlocal writer
        table = pyarrow.Table.from_pylist(held, schema=writer.schema if writer else None)
        table = _with_text(table) if writer is None else table
        writer = writer or arrow.ParquetWriter(path, table.schema)
        writer.write_table(table)
        held.clear()

    for row in rows:
        held.append(row)
        if len(held) >= ROWS_AT_ONCE:
            flush()
    if held or writer is None:
        flush()
    if writer:
        writer.close()


def _with_text(table: Any) -> Any:
    """The added columns as text, also where the first rows have none."""
    import pyarrow

    for name in COLUMNS:
        if name in table.column_names:
            at = table.column_names.index(name)
            table = table.set_column(at, name, table.column(name).cast(pyarrow.string()))
    return table
