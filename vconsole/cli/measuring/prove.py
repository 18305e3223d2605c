"""prove: was leaving Ollama worth it? Measured claim by claim, on a card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vconsole.cli.options import json_output, server_name, workload_options
from vconsole.cli.readonly import require_writable

OUTPUTS = ("markdown", "svg")


@click.command(epilog="Example: vconsole prove --concurrency 16 --markdown card.md --svg card.svg")
@click.option("--against", metavar="URL[=NAME]", help="Another server in Ollama's place.")
@click.option("--against-model", metavar="NAME", help="The model that the other is asked for.")
@workload_options("what both are asked")
@click.option(
    "--concurrency",
    type=click.IntRange(2, 65536),
    default=16,
    show_default=True,
    metavar="N",
    help="Requests at once, beside one at a time.",
)
@click.option(
    "--repeats",
    type=click.IntRange(2, 50),
    default=5,
    show_default=True,
    metavar="N",
    help="Repeats of each measurement: what an interval is made of.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the card.",
)
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw the card."
)
@click.option("--last", is_flag=True, help="Show the last card again, and measure nothing.")
@click.option("--undo", is_flag=True, help="Give back what an interrupted one left changed.")
@server_name
@json_output
def prove(as_json: bool, last: bool, undo: bool, **options: Any) -> int:
    """Whether leaving Ollama was worth it on this host: each claim confirmed or refuted.

    Ollama's models make room and are given back; both servers are asked the same, one at a time and
    many at once; then prefix caching cold and warm, and on a card CUDA graphs and FlashInfer's
    sampler on and off. Interrupted, all is put back, and the same command goes on where it was.
    """
    from vconsole.cli.measuring import prove_run

    files = {name: options.pop(name) for name in OUTPUTS}
    if last:
        return prove_run.show_last(options["name"], files, as_json)
    require_writable("prove")
    if undo:
        return prove_run.undo(options["name"], as_json)
    return prove_run.run(prove_run.Asked(**options), files, as_json)
