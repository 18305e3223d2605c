"""What a bench says on a terminal, and the files that it is written to."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from vconsole import settings
from vconsole.cli.output import print_json, say
from vconsole.errors import ExitCode
from vconsole.requests.bench import files as files_of
from vconsole.requests.bench import page
from vconsole.requests.bench.data import as_data, difference_data
from vconsole.requests.bench.kept import Bench, BenchState
from vconsole.requests.bench.kept_comparing import compare_benches
from vconsole.requests.bench.points import load_words
from vconsole.requests.bench.tables import compared_table, text_table


def report(bench: Bench, files: Mapping[str, Path | None], as_json: bool) -> int:
    """Print it and write the files; the exit code says whether all of it was measured."""
    write(bench, files)
    if as_json:
        print_json(as_data(bench, settings.load().prices))
    else:
        width = shutil.get_terminal_size((80, 24)).columns
        prices, ascii_only = settings.load().prices, not _takes_unicode()
        click.echo("\n".join(page.lines(bench, prices, width, ascii_only=ascii_only)))
    if bench.state is BenchState.FAILED and not as_json:
        say(f"error: {bench.note}")
        if bench.remedy:
            say(f"hint: {bench.remedy}")
    good = bench.state is not BenchState.FAILED and not bench.failed_requests
    return int(ExitCode.DONE if good else ExitCode.FAILED)


def write(bench: Bench, files: Mapping[str, Path | None]) -> None:
    for kind, path in files.items():
        if path is not None:
            files_of.write(path, bench, kind, settings.load().prices)
            say(f"written: {path}")


def compare_kept(first: Bench, second: Bench, as_json: bool) -> None:
    found, remarks = compare_benches(first, second)
    if as_json:
        data = [difference_data(each) for each in found]
        print_json(
            {"first": first.id, "second": second.id, "differences": data, "remarks": remarks}
        )
        return
    table = compared_table(found)
    if table.rows:
        click.echo("\n".join(text_table(table.heads, table.rows)))
    else:
        say(f"{second.id} and {first.id} have no load in common")
    for remark in remarks:
        say(f"note: {remark}")


def listed(bench: Bench) -> dict[str, Any]:
    return {
        "id": bench.id,
        "state": bench.state.value,
        "begun_at": bench.begun_at,
        "targets": list(bench.spec.contenders),
        "loads": ", ".join(load_words(load) for load in bench.spec.loads),
        "measured": len(bench.measured),
        "failed": bench.failed_requests,
        "note": bench.spec.note,
    }


def _takes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
