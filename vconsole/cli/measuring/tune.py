"""tune: the flags that serve a workload best on this machine, found by measuring."""

from __future__ import annotations

from typing import Any

import click

from vconsole.cli.options import json_output, server_name, workload_options
from vconsole.cli.readonly import require_writable

KNOBS = {
    "seqs": "--max-num-seqs",
    "tokens": "--max-num-batched-tokens",
    "prefix": "--enable-prefix-caching",
    "kv": "--kv-cache-dtype",
    "graphs": "--enforce-eager",
    "speculation": "--speculative-config",
}


@click.command(epilog="Example: vconsole tune --prompts nightly.jsonl --concurrency 64")
@workload_options("what the server is to be good at")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 65536),
    default=32,
    show_default=True,
    metavar="N",
    help="Requests at once.",
)
@click.option(
    "--repeats",
    type=click.IntRange(2, 50),
    default=3,
    show_default=True,
    metavar="N",
    help="Repeats after which the clearly worse is left; as many again follow.",
)
@click.option("--ttft-ms", type=click.FloatRange(0), metavar="MS", help="Service level: TTFT.")
@click.option("--itl-ms", type=click.FloatRange(0), metavar="MS", help="Service level: ITL.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(KNOBS)),
    help="Turn only this one; may be given again.",
)
@click.option("--most", type=click.IntRange(1), metavar="N", help="End after so many trials.")
@click.option("--save", metavar="PROFILE", help="Write this profile instead of the served one.")
@click.option("--yes", is_flag=True, help="Write the profile without asking.")
@click.option("--undo", is_flag=True, help="Give back what ran, or was written, before.")
@server_name
@json_output
def tune(as_json: bool, undo: bool, **options: Any) -> int:
    """Measure the settings that matter, one change at a time, and keep what is better.

    Throughput under the service level decides, beyond the noise only. Each setting is swapped in; a
    start that fails is rolled back. Interrupted, the same command goes on where it was.
    """
    require_writable("tune")
    from vconsole.cli.measuring import tune_run

    if undo:
        return tune_run.undo(options["name"], as_json)
    only = tuple(KNOBS[each] for each in options.pop("only"))
    return tune_run.run(tune_run.Asked(**options, only=only), as_json)
