"""batch: many requests against the server, as jobs that nobody has to wait for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable


class Concurrency(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`auto`, which is None, or a number."""

    name = "auto|N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value in {"auto", None}:
            return None
        number = click.IntRange(1, 4096).convert(value, param, ctx)
        assert isinstance(number, int)
        return number


@click.group()
def batch() -> None:
    """Many requests against the running server, and no answer lost."""


@batch.command(
    epilog="Example: vconsole batch run requests.jsonl -o answers.jsonl && echo all answered"
)
@click.argument("source", metavar="IN")
@click.option("-o", "--output", required=True, metavar="OUT", help="Answers, in JSONL.")
@click.option("--concurrency", type=Concurrency(), help="Requests at once.  [default: auto]")
@click.option("--detach", is_flag=True, help="Return as soon as the job is queued.")
@click.option("--restart", is_flag=True, help="Begin anew; what is there moves to OUT.previous.")
@click.option("--continue", "accept", is_flag=True, help="Go on although the input has changed.")
@click.option("--retry-failed", is_flag=True, help="Run again what failed.")
@click.option("--preview", is_flag=True, help="Check the input, show 20 answers, run nothing.")
@click.option(
    "--template", metavar="T", help="Prompt of a row, {column} filled in; @FILE reads it."
)
@click.option("--join", metavar="FILE", help="Also write rows and answers: CSV, JSONL, Parquet.")
@click.option("--model", metavar="NAME", help="Model of requests that name none.")
@click.option("--system", metavar="TEXT", help="System prompt for prompts and rows.")
@click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="For prompts and rows.")
@click.option("--temperature", type=click.FloatRange(0), metavar="T", help="For prompts and rows.")
@click.option("--extra", metavar="JSON", help="Further parameters for prompts and rows, an object.")
@click.option(
    "--endpoint",
    type=click.Choice(["auto", "chat", "completions", "embeddings"]),
    default="auto",
    show_default=True,
    help="Where prompts and rows go.",
)
@click.option("--cache", is_flag=True, help="Take deterministic answers from earlier batches.")
@click.option("--timeout", type=click.FloatRange(1), default=3600.0, help="Seconds of one request.")
@click.option("--priority", type=int, default=0, help="Higher goes first.")
@click.option(
    "--weight", type=click.FloatRange(0.01, 100), default=1.0, help="Share of the server."
)
@click.option("--not-before", type=click.DateTime(), help="Begin at this local time.")
@click.option("--url", metavar="URL", help="A server that is not ours; key in VLLM_API_KEY.")
@server_name
@json_output
def run(
    source: str, output: str, as_json: bool, detach: bool, preview: bool, **options: object
) -> int:
    """Answer every request of IN, or go on where an earlier run of the same files stopped.

    IN is JSONL of OpenAI's batches, prompts one a line, or rows (CSV, JSONL, Parquet) with a
    --template; - reads standard input. Requests that fail are in OUT's .errors.jsonl.
    """
    require_writable("batch run")
    from vconsole.cli.requests import batch_run

    asked = batch_run.Asked(source=source, output=Path(os.path.abspath(output)), **options)  # type: ignore[arg-type]
    if preview:
        return batch_run.show_preview(asked, as_json)
    return batch_run.run(asked, as_json, detach)


@batch.command("list")
@json_output
def list_jobs(as_json: bool) -> None:
    """All jobs that are remembered, the newest first."""
    jobs = reach_supervisor().jobs()
    if as_json:
        print_json({"jobs": jobs})
        return
    if not jobs:
        say("no jobs yet: vconsole batch run IN -o OUT")
    for job in jobs:
        progress = job.progress
        counted = f"{progress.done:,} of {progress.total:,}" if progress else "—"
        failed = f", {progress.failed:,} failed" if progress and progress.failed else ""
        title = Path(job.spec.output).name
        click.echo(f"{job.id:<6}{job.state:<11}{counted:>22}{failed}  {title}")


@batch.command()
@click.argument("job_id", metavar="ID")
@json_output
def show(job_id: str, as_json: bool) -> None:
    """One job: how far it is, how fast, what failed."""
    from vconsole.cli.requests.batch_output import cost_of, result_lines, result_of

    client = reach_supervisor()
    job = client.job(job_id)
    cost = cost_of(client, job)
    if as_json:
        print_json(result_of(job, cost))
    else:
        click.echo("\n".join(result_lines(job, cost)))


def _verb(name: str, words: str, help: str) -> click.Command:
    @click.argument("job_id", metavar="ID")
    @json_output
    def command(job_id: str, as_json: bool) -> None:
        require_writable(f"batch {name}")
        from vconsole.cli.requests.batch_output import result_of

        job = reach_supervisor().job_verb(job_id, name)
        if as_json:
            print_json(result_of(job))
        else:
            say(f"{job.id} {words}: {job.state}")

    return click.Command(
        name, callback=command, params=_params(command), help=help, short_help=help
    )


def _params(command: object) -> list[click.Parameter]:
    return list(reversed(getattr(command, "__click_params__", [])))


batch.add_command(_verb("pause", "is paused", "Send nothing more; what is in flight may end."))
batch.add_command(_verb("resume", "goes on", "Go on where it was."))
batch.add_command(_verb("cancel", "is cancelled", "End it; `batch run` goes on from what is done."))


batch.add_command(_verb("retry", "runs again", "Run again what failed in a job that has ended."))


@batch.command()
@click.argument("job_id", metavar="ID")
@click.option("--priority", type=int, help="Higher goes first.")
@click.option("--weight", type=click.FloatRange(0.01, 100), help="Share of the server.")
@click.option("--concurrency", metavar="auto|N", help="Requests at once.")
@json_output
def change(
    job_id: str,
    as_json: bool,
    priority: int | None,
    weight: float | None,
    concurrency: str | None,
) -> None:
    """Another priority, weight or concurrency of a job, from now on."""
    require_writable("batch change")
    from vconsole.cli.requests.batch_output import result_of
    from vconsole.supervisor.jobs.model import JobChange

    at_once = None if concurrency is None else Concurrency().convert(concurrency, None, None) or 0
    wanted = JobChange(priority, weight, at_once)
    if wanted == JobChange():
        raise click.UsageError("say what to change: --priority, --weight or --concurrency")
    job = reach_supervisor().change_job(job_id, wanted)
    if as_json:
        print_json(result_of(job))
        return
    at_once_now = job.spec.concurrency or "auto"
    say(f"{job.id}: priority {job.priority}, weight {job.weight:g}, {at_once_now} at once")


@batch.group()
def cache() -> None:
    """Answers that are kept for other batches."""


@cache.command()
@json_output
def clear(as_json: bool) -> None:
    """Forget every answer."""
    require_writable("batch cache clear")
    from vconsole.requests.batch.cache import clear as clear_cache

    freed_bytes = clear_cache()
    if as_json:
        print_json({"freed_bytes": freed_bytes})
    else:
        say(f"forgotten: {freed_bytes / 1e6:.1f} MB of answers")
