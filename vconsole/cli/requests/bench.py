"""bench: a measured sweep, side by side with another server or between profiles, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json, say
from vconsole.cli.readonly import require_writable

OUTPUTS = ("csv", "markdown", "svg")


class Numbers(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`1,8,32`: numbers above 0, whole ones where `whole`."""

    name = "N,N"

    def __init__(self, whole: bool = True) -> None:
        self._whole = whole

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        kind = int if self._whole else float
        try:
            found = tuple(kind(each) for each in str(value).split(",") if each.strip())
        except ValueError:
            found = ()
        if not found or any(not 0 < each <= 65536 for each in found):
            self.fail(f"{value!r} is no list of numbers such as 1,8,32", param, ctx)
        return tuple(dict.fromkeys(found))


def written(function: Any) -> Any:
    """The files that a bench may be written to."""
    for name in reversed(OUTPUTS):
        words = "Write the plot." if name == "svg" else f"Write it as {name}."
        path = click.Path(dir_okay=False, path_type=Path)
        function = click.option(f"--{name}", type=path, metavar="FILE", help=words)(function)
    return function


@click.group(
    invoke_without_command=True,
    epilog="Example: vconsole bench --concurrency 1,8,32 --against http://127.0.0.1:11434=ollama",
)
@click.option(
    "--concurrency", type=Numbers(), metavar="N,N", help="Requests at once.  [default: 1,8,32]"
)
@click.option(
    "--rate",
    "rates",
    type=Numbers(whole=False),
    metavar="R,R",
    help="Requests per second instead, arriving by chance (Poisson).",
)
@click.option(
    "--requests",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Requests of each measurement.  [default: 4 rounds, at least 16]",
)
@click.option("--warm-up", type=click.IntRange(0, 10_000), metavar="N", help="Requests before it.")
@click.option("--input-tokens", type=click.IntRange(1), metavar="N", help="[default: 128]")
@click.option("--output-tokens", type=click.IntRange(1), metavar="N", help="[default: 64]")
@click.option(
    "--prompts", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="A batch file."
)
@click.option("--history", is_flag=True, help="Lengths as this server was asked for so far.")
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Measurements of each load; fewer than 2 have no noise to be told from.  [default: 3]",
)
@click.option("--warm", is_flag=True, help="Each once more with the same prompts, cached then.")
@click.option("--against", multiple=True, metavar="URL[=NAME]", help="Another server beside ours.")
@click.option("--against-model", metavar="NAME", help="The model that it is asked for.")
@click.option("--profiles", metavar="A,B", help="Profiles of ours, by swapping between them.")
@click.option(
    "--answers",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Answers side by side.",
)
@click.option("--url", metavar="URL", help="A server that is not ours; key in VLLM_API_KEY.")
@click.option("--model", metavar="NAME", help="The model that our server is asked for.")
@click.option("--seed", type=int, default=0, help="Other prompts, other arrivals.")
@click.option("--note", metavar="TEXT", help="Kept with it.")
@click.option(
    "--timeout", type=click.FloatRange(1), default=600.0, help="Seconds of silence of one request."
)
@click.option("--detach", is_flag=True, help="Return as soon as it is queued.")
@written
@server_name
@json_output
@click.pass_context
def bench(ctx: click.Context, /, as_json: bool, **options: Any) -> int | None:
    """Measure how fast the server answers, under one load after another.

    Latency percentiles, throughput, and the requests that kept the service level. With --against or
    --profiles a difference is called one only beyond the noise of the repeats.
    """
    if ctx.invoked_subcommand is not None:
        return None
    require_writable("bench")
    from vconsole.cli.requests import bench_run
    from vconsole.supervisor.jobs.asked_bench import AskedBench

    files = {name: options.pop(name) for name in OUTPUTS}
    detach = options.pop("detach")
    return bench_run.run(AskedBench(**options), files, as_json, detach)


@bench.command("list")
@json_output
def list_benches(as_json: bool) -> None:
    """The benches that are kept, the newest first."""
    from vconsole.cli.requests.bench_report import listed
    from vconsole.requests.bench.kept import kept

    found = kept()
    if as_json:
        print_json({"benches": [listed(each) for each in found]})
        return
    if not found:
        say("no benches yet: vconsole bench")
    for each in found:
        line = listed(each)
        click.echo(
            f"{each.id:<6}{each.state:<11}{each.begun_at:%Y-%m-%d %H:%M}  "
            f"{', '.join(line['targets'])}  {line['loads']}  {each.spec.note or ''}".rstrip()
        )


@bench.command()
@click.argument("bench_id", metavar="ID")
@written
@json_output
def show(bench_id: str, as_json: bool, **files: Path | None) -> int:
    """One bench: its table, its plot, what was compared."""
    from vconsole.cli.requests.bench_report import report
    from vconsole.requests.bench.kept import load

    return report(load(bench_id), files, as_json)


@bench.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@json_output
def compare(first: str, second: str, as_json: bool) -> None:
    """Two kept benches, load by load: B against A, told beyond the noise only."""
    from vconsole.cli.requests.bench_report import compare_kept
    from vconsole.requests.bench.kept import load

    compare_kept(load(first), load(second), as_json)


@bench.command()
@click.argument("bench_id", metavar="ID")
@json_output
def cancel(bench_id: str, as_json: bool) -> int:
    """End it; what was measured is kept, and `bench resume` goes on from there."""
    require_writable("bench cancel")
    from vconsole.cli.requests.bench_run import act_on

    return act_on(bench_id, "cancel", as_json)


@bench.command()
@click.argument("bench_id", metavar="ID")
@json_output
def resume(bench_id: str, as_json: bool) -> int:
    """Go on with one that was cancelled or failed: only what is missing is measured."""
    require_writable("bench resume")
    from vconsole.cli.requests.bench_run import act_on

    return act_on(bench_id, "resume", as_json)


@bench.command()
@click.argument("bench_id", metavar="ID")
@json_output
def rm(bench_id: str, as_json: bool) -> None:
    """Forget a kept bench."""
    require_writable("bench rm")
    from vconsole.requests.bench.kept import forget

    forget(bench_id)
    if as_json:
        print_json({"removed": bench_id})
    else:
        say(f"{bench_id} is forgotten")
