"""fit: what a start would give, worked out before anything is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vconsole.cli import completing
from vconsole.cli.options import json_output
from vconsole.cli.output import print_json


@click.command(epilog="Example: vconsole fit Qwen/Qwen2.5-7B-Instruct-AWQ --gpu 'RTX 4080'")
@click.argument(
    "model", metavar="MODEL|FOLDER|PROFILE", required=False, shell_complete=completing.models
)
@click.option("--gpu", metavar="NAME", help="Plan for this card, such as 'RTX 4080' or H100.")
@click.option(
    "--gpu-memory",
    type=click.FloatRange(min=0.1),
    metavar="GIB",
    help="Plan for a card of this size.",
)
@click.option(
    "--gpu-memory-free", type=click.FloatRange(min=0), metavar="GIB", help="How much of it is free."
)
@click.option("--tensor-parallel", type=click.IntRange(1, 64), metavar="N")
@click.option("--max-model-len", type=click.IntRange(1), metavar="N")
@click.option("--max-num-seqs", type=click.IntRange(1), metavar="N")
@click.option("--max-num-batched-tokens", type=click.IntRange(1), metavar="N")
@click.option("--gpu-memory-utilization", type=click.FloatRange(0, 1, min_open=True), metavar="U")
@click.option("--kv-cache-dtype", metavar="DTYPE")
@click.option(
    "--quantization", metavar="METHOD", help="Quantize the weights like this while loading."
)
@click.option("--enforce-eager", is_flag=True, help="Without CUDA graphs.")
@click.option(
    "--engine-version", metavar="X.Y.Z", help="Plan for this vLLM instead of the installed one."
)
@click.option("--ledger", is_flag=True, help="Show how far off earlier predictions were.")
@click.option(
    "--share",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what the last start reported, without names of people or places.",
)
@click.option("--explain", is_flag=True, help="Show every number with its formula.")
@json_output
def fit(
    model: str | None,
    explain: bool,
    as_json: bool,
    ledger: bool,
    share: Path | None,
    **given: Any,
) -> None:
    """Predict what starting MODEL would give: weights, KV cache, verdict and flags.

    Nothing is started or downloaded. What you give is kept, the rest is proposed.
    """
    if ledger or share:
        from vconsole.cli.models import fit_ledger

        if share:
            fit_ledger.share(share, model)
        if ledger:
            fit_ledger.show_ledger(model, as_json)
        return
    if model is None:
        raise click.UsageError("name a model, a folder or a profile")
    from vconsole.cli.models.fit_report import as_data, report_lines
    from vconsole.supervisor.models.fitting import FitQuestion, answer

    found = answer(FitQuestion(model, **given))
    if as_json:
        print_json(as_data(found, explain))
        return
    for line in report_lines(found, explain):
        click.echo(line)
