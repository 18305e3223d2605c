"""Which kind of input a file is, and its entries one after another, ids checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BadLine, BatchSpec
from vconsole.requests.batch.source import lines, tables
from vconsole.requests.batch.source.shaping import Entry, Shape

BLOCK_BYTES = 1 << 20
SNIFFED_BYTES = 1 << 16


class Kind(StrEnum):
    REQUESTS = "requests"
    PROMPTS = "prompts"
    JSON_ROWS = "rows of JSON"
    CSV = "CSV"
    PARQUET = "Parquet"


ENDINGS = {".csv": Kind.CSV, ".parquet": Kind.PARQUET, ".txt": Kind.PROMPTS}


@dataclass(frozen=True, slots=True)
class Source:
    """The entries of one file; `read` goes over it from the start, in constant memory."""

    path: Path
    kind: Kind
    template: str | None

    def read(self, shape: Shape) -> Iterator[Entry]:
        if self.kind is Kind.REQUESTS:
            yield from lines.requests(self.path, shape)
            return
        if self.kind is Kind.PROMPTS:
            yield from lines.prompts(self.path, shape)
            return
        assert self.template is not None
        for number, row in self.rows():
            if isinstance(row, BadLine):
                yield row
            else:
                yield lines.filled(number, row, self.template, shape)

    def rows(self) -> Iterator[tables.Row]:
        """The input's rows as columns, for a template or for a join."""
        if self.kind is Kind.CSV:
            yield from tables.csv_rows(self.path)
        elif self.kind is Kind.PARQUET:
            yield from tables.parquet_rows(self.path)
        elif self.kind is Kind.PROMPTS:
            for number, line in lines.raw_lines(self.path):
                text = (line or b"").decode(errors="replace").rstrip("\r\n")
                yield number, {"custom_id": f"line-{number}", "prompt": text}
        else:
            yield from lines.json_rows(self.path)

    def count(self) -> int:
        """How many entries there are about; blocks, so call it in a thread."""
        if self.kind is Kind.PARQUET:
            return tables.parquet_count(self.path)
        found = count_lines(self.path)
        return max(0, found - 1) if self.kind is Kind.CSV else found


def open_source(spec: BatchSpec) -> Source:
    """The input of a batch; a usage error says what is missing."""
    path = spec.input_path
    if not path.is_file():
        raise VConsoleError(f"there is no file {path}", "check the path", ExitCode.USAGE)
    kind = _kind_of(path, spec.template is not None)
    if spec.template is None and kind in {Kind.CSV, Kind.PARQUET, Kind.JSON_ROWS}:
        raise VConsoleError(
            f"{path.name} has rows, and nothing says what prompt they make",
            "give a template with columns in braces: --template 'Summarise: {text}'",
            ExitCode.USAGE,
        )
    if spec.template is not None and kind in {Kind.REQUESTS, Kind.PROMPTS}:
        raise VConsoleError(
            f"{path.name} has {kind.value}, for which a template has no columns",
            "leave out --template, or give CSV, Parquet or JSONL with rows",
            ExitCode.USAGE,
        )
    if kind is Kind.PARQUET:
        tables.parquet_count(path)
    return Source(path, kind, spec.template)


def _kind_of(path: Path, has_template: bool) -> Kind:
    kind = ENDINGS.get(path.suffix.lower())
    if kind:
        return kind
    try:
        with path.open("rb") as file:
            start = file.read(SNIFFED_BYTES).removeprefix(lines.BOM).lstrip()
    except OSError as error:
        raise tables.unreadable(path, error) from error
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} or start.startswith(b"{"):
        return Kind.JSON_ROWS if has_template else Kind.REQUESTS
    return Kind.PROMPTS


def count_lines(path: Path) -> int:
    """Lines of a file without empty ones between them, as fast as it can be read.

    Of several empty lines in a row some are counted: it is what a bar is drawn by.
    """
    found, last = 0, b"\n"
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            joined = last + block
            found += block.count(b"\n") - joined.count(b"\n\n")
            last = block[-1:]
    return found + (last != b"\n")
