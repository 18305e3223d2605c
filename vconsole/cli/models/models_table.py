"""The table of models as text: fixed columns, unknown as a dash, what the figures mean below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from vconsole.cli.output import figure, gib
from vconsole.models.fit.plan import Verdict
from vconsole.models.hub.remote import Found
from vconsole.models.rows import TYPICAL_REQUEST_TOKENS, ModelRow
from vconsole.supervisor.models.cards import TargetCard

MARKS = {
    Verdict.FITS: ("✓", "green"),
    Verdict.TIGHT: ("▲", "yellow"),
    Verdict.TOO_BIG: ("✕", "red"),
    Verdict.UNKNOWN: ("—", None),
}
NAME_CELLS = 46
HEAD = (
    f"{'':11}{'model':<{NAME_CELLS}} {'quant':<8}{'GB':>7}{'KV tokens':>11}"
    f"{'at once':>9}{'tok/s':>7}{'MMLU-Pro':>10}  where"
)
NOTES = (
    "GB are the weights: a 7B takes 15 GB in bf16, 8 in 8 bits, and 5 only in 4 bits.",
    f"at once: requests of {TYPICAL_REQUEST_TOKENS:,} tokens that the KV cache holds (computed).",
    "tok/s: for one request, computed as memory bandwidth over weights read; less in practice.",
)


def print_table(rows: Sequence[ModelRow], target: TargetCard) -> None:
    """Print the rows and the legend; nothing found is said in words."""
    card = target.card
    click.echo(f"on {card.name}, {gib(card.free_bytes)} of {gib(card.total_bytes)} free")
    if not rows:
        click.echo("no model of that kind; `vconsole models search WORDS` asks the Hub")
        return
    click.echo(HEAD)
    for row in rows:
        click.echo(_line(row))
    for note in NOTES:
        click.echo(click.style(note, dim=True))


def print_found(found: Sequence[Found], known: Mapping[str, ModelRow]) -> None:
    """Print what a search found, with what is here already marked."""
    if not found:
        click.echo("the Hub has no model of that name")
    for one in found:
        row = known.get(one.name)
        here = "on disk" if row and row.on_disk else row.source if row else ""
        words = [one.quantization or "", one.license or "", "gated" if one.gated else "", here]
        downloads = figure(one.downloads)
        click.echo(f"{one.name:<58} {downloads:>12} downloads  {'  '.join(w for w in words if w)}")


def _line(row: ModelRow) -> str:
    symbol, colour = MARKS[row.verdict]
    mark = click.style(f"{symbol} {row.verdict:<8}", fg=colour)
    size = figure(row.bytes / 1e9, digits=1) if row.bytes is not None else "—"
    quality = figure(row.quality_percent, digits=1) if row.quality == "MMLU-Pro" else "—"
    where = _where(row)
    return (
        f"{mark} {row.name:<{NAME_CELLS}} {row.quantization or '—':<8}{size:>7}"
        f"{figure(row.kv_cache_tokens):>11}{figure(row.typical_batch):>9}"
        f"{figure(row.tokens_per_s):>7}{quality:>10}  {where}"
    )


def _where(row: ModelRow) -> str:
    if row.incomplete:
        return "cache, not whole"
    gated = " (gated)" if row.gated and row.path is None else ""
    return row.source + gated
