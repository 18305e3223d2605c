"""The card of a proof on a terminal, as data, and in files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from vconsole.cli.output import print_json, say
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.points import Point
from vconsole.supervisor.proving.journal import Journal
from vconsole.supervisor.proving.model import Card, Claim, Verdict
from vconsole.supervisor.proving.writing import (
    MARKS,
    interval,
    markdown,
    sides,
    svg,
    tally,
    title,
)

WIDTH, INDENT = 98, " " * 15
WRITERS = {"markdown": markdown, "svg": svg}


def report(card: Card, journal: Journal, files: Mapping[str, Path | None], as_json: bool) -> None:
    """Print it and write the files."""
    for kind, path in files.items():
        if path is not None:
            _put(path, WRITERS[kind](card))
    if as_json:
        print_json(as_data(card, journal, files))
    else:
        click.echo("\n".join(card_lines(card)))


def require_places(files: Mapping[str, Path | None]) -> None:
    """An error now rather than after minutes of measuring, where a file has nowhere to go."""
    for path in files.values():
        if path is not None and not os.access(path.parent, os.W_OK | os.X_OK):
            raise VConsoleError(
                f"{path} cannot be written: its folder is missing or not writable",
                "name another file",
                ExitCode.USAGE,
            )


def card_lines(card: Card) -> list[str]:
    lines = [title(card), *(f"  {line}" for line in sides(card)), ""]
    for claim in card.claims:
        lines += _claim_lines(claim)
    lines += ["", *(f"note: {note}" for note in card.notes)] if card.notes else []
    return [*lines, "", f"{card.answer}.", f"{tally(card)}."]


def as_data(card: Card, journal: Journal, files: Mapping[str, Path | None]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "answer": card.answer,
        "counts": {verdict.value: card.count(verdict) for verdict in Verdict},
        "claims": list(card.claims),
        "ours": card.ours,
        "rival": card.rival,
        "host": card.host,
        "made_at": card.made_at,
        "workload": card.workload,
        "notes": list(card.notes),
        "measured": [_leg(leg, series) for leg, series in journal.series.items()],
        "files": {kind: str(path) for kind, path in files.items() if path},
        "journal": str(journal.path),
    }


def _leg(leg: str, series: Any) -> dict[str, Any]:
    point = Point(leg, series[0].load, series[0].warmth, series)
    return {
        "leg": str(leg),
        "repeats": point.repeats,
        "requests": point.requests,
        "failed": point.failed,
        "concurrency": point.load.concurrency,
        "generation_tokens_per_s": point.rate("generation_tokens_per_s"),
        "requests_per_s": point.rate("requests_per_s"),
        **{name: point.latency(name) for name in ("ttft_ms", "itl_ms", "e2e_ms")},
    }


def _claim_lines(claim: Claim) -> list[str]:
    verdict = f"{MARKS[claim.verdict]} {claim.verdict}"
    more = "; ".join(part for part in (claim.figures, interval(claim), claim.rests_on) if part)
    first, *rest = wrap(claim.text, WIDTH - len(INDENT)) + wrap(more, WIDTH - len(INDENT))
    return [f"{verdict:<{len(INDENT)}}{first}", *(f"{INDENT}{line}" for line in rest)]


def _put(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise VConsoleError(
            f"cannot write {path}: {error.strerror}",
            "the card is kept: vconsole prove --last with another file",
            ExitCode.USAGE,
        ) from error
    say(f"written: {path}")
