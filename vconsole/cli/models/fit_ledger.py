"""The ledger as a table: what starts here were predicted to give, and what they gave."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import click
import msgspec

from vconsole.cli.output import print_json, say
from vconsole.errors import VConsoleError
from vconsole.models.fit.ledger import MeasuredStart
from vconsole.models.fit.ledger_file import read_ledger, shareable

SHOWN = 20
NAME_WIDTH = 28


def show_ledger(model: str | None, as_json: bool) -> None:
    """The latest starts, newest last, each with the error of its prediction in percent."""
    rows = _of(model)
    if as_json:
        print_json({"starts": [_as_data(row) for row in rows]})
        return
    if not rows:
        say("no start has been measured here yet; every start that gets ready is")
        return
    click.echo(
        f"{'model':<{NAME_WIDTH}}  {'card':<12}  {'KV tokens':>11}  {'predicted':>11}  error"
    )
    for row in rows[-SHOWN:]:
        click.echo(_line(row))
    errors = [abs(error) for row in rows if (error := error_percent(row)) is not None]
    if errors:
        click.echo(f"median error {median(errors):.1f} % over {len(errors)} starts")


def share(path: Path, model: str | None) -> None:
    """Write the latest start into a file that names neither a person nor a machine."""
    rows = _of(model)
    if not rows:
        raise VConsoleError(
            "no start has been measured here yet", "start a model, then share what it reported"
        )
    text = msgspec.json.format(msgspec.json.encode(shareable(rows[-1])), indent=2).decode()
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise VConsoleError(
            f"{path}: {error.strerror}", "name a file that can be written"
        ) from None
    say(f"{path} holds what the last start of {rows[-1].name} reported; read it before you share")


def error_percent(row: MeasuredStart) -> float | None:
    """By how much more (+) or less KV cache was predicted than there was."""
    predicted, measured = row.predicted_kv_cache_tokens, row.kv_cache_tokens
    if predicted is None or not measured:
        return None
    return (predicted / measured - 1) * 100


def _line(row: MeasuredStart) -> str:
    error = error_percent(row)
    cells = [
        f"{row.name[:NAME_WIDTH]:<{NAME_WIDTH}}",
        f"{row.card[:12]:<12}",
        f"{_count(row.kv_cache_tokens):>11}",
        f"{_count(row.predicted_kv_cache_tokens):>11}",
        "—" if error is None else f"{error:+.1f} %",
    ]
    return "  ".join(cells)


def _as_data(row: MeasuredStart) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(row)
    return data | {"error_percent": error_percent(row)}


def _count(number: int | None) -> str:
    return "—" if number is None else f"{number:,}"


def _of(model: str | None) -> list[MeasuredStart]:
    """The starts of a model by the last part of its name or path, or all."""
    return [row for row in read_ledger() if model is None or row.name == Path(model).name]
