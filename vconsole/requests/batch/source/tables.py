"""Rows of CSV and Parquet files, each with its number; what cannot be read is a bad line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BadLine

LONGEST_FIELD_CHARACTERS = 16 << 20
ROWS_AT_ONCE = 1024
Row = tuple[int, dict[str, object] | BadLine]


def csv_rows(path: Path) -> Iterator[Row]:
    """Rows below the header; their numbers begin with 1."""
    csv.field_size_limit(LONGEST_FIELD_CHARACTERS)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        header: list[str] | None = None
        number = 0
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield number, BadLine(number, "bad_line", f"no row of CSV: {error}")
                continue
            if header is None:
                header = [name.strip() for name in values]
                continue
            if not values:
                continue
            number += 1
            yield number, _row_of(number, header, values)


def _row_of(number: int, header: list[str], values: list[str]) -> dict[str, object] | BadLine:
    if len(values) != len(header):
        words = f"the row has {len(values)} columns, the header {len(header)}"
        return BadLine(number, "bad_line", words)
    if any("\udc80" <= character <= "\udcff" for value in values for character in value):
        return BadLine(number, "bad_line", "the row is not UTF-8")
    return dict(zip(header, values, strict=True))


def parquet_rows(path: Path) -> Iterator[Row]:
    """Rows of a Parquet file; their numbers begin with 1."""
    arrow = pyarrow_parquet()
    try:
        with arrow.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def parquet_count(path: Path) -> int:
    try:
        with pyarrow_parquet().ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def pyarrow_parquet() -> Any:
    """pyarrow's reader and writer, or an error that says how to get it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise VConsoleError(
            "Parquet files need pyarrow, which is not installed",
            "install it beside vconsole: pip install 'vconsole[parquet]'",
            ExitCode.USAGE,
            kind="no_pyarrow",
        ) from error
    return pyarrow.parquet


def unreadable(path: Path, error: Exception) -> VConsoleError:
    return VConsoleError(f"cannot read {path}: {error}", "check the file", ExitCode.USAGE)
