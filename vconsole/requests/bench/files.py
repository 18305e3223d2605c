"""The files that a bench is written to: JSON, CSV, Markdown, and its plot as SVG."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.data import as_data, csv_text
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.page import markdown
from vconsole.requests.bench.plot import plot_of
from vconsole.requests.bench.points import points
from vconsole.requests.bench.svg import svg
from vconsole.settings import PriceSettings

KINDS = {".json": "json", ".csv": "csv", ".md": "markdown", ".svg": "svg"}


def kind_of(path: Path) -> str:
    """By the ending of its name; an error names the endings that there are."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise VConsoleError(
            f"{path.name} does not say what it is to be",
            f"end it in {', '.join(KINDS)}",
            ExitCode.USAGE,
        )
    return kind


def require_folder(path: Path) -> None:
    """Before anything is measured: whether the file could be written."""
    if path.is_dir() or not path.parent.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise VConsoleError(f"cannot write {path}: {why}", "name another file", ExitCode.USAGE)


def write(path: Path, bench: Bench, kind: str, prices: PriceSettings) -> None:
    """Write one of `KINDS`; an error where there is nothing to draw, or the disk refuses."""
    content = _content(bench, kind, prices)
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise VConsoleError(
            f"cannot write {path}: {error.strerror}", "name another file", ExitCode.USAGE
        ) from error


def _content(bench: Bench, kind: str, prices: PriceSettings) -> str:
    if kind == "json":
        return msgspec.json.format(msgspec.json.encode(as_data(bench, prices)), indent=1).decode()
    if kind == "csv":
        return csv_text(bench)
    if kind == "markdown":
        return markdown(bench, prices)
    plot = plot_of(points(bench))
    if plot is None:
        raise VConsoleError(f"{bench.id} has no measurement to draw")
    return svg(plot, f"Bench {bench.id}: {', '.join(bench.spec.contenders)}")
