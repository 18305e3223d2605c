"""Asking for a batch, following it, and telling what became of it."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from vconsole.cli.output import print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.requests.batch_output import cost_of, progress_line, result_lines, result_of
from vconsole.cli.requests.watching_a_job import watched_job
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BatchSpec, Endpoint
from vconsole.requests.batch.spool import spooled
from vconsole.requests.batch.template import read_template
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobRequest, JobState, JobStatus

SAY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says, as it says it."""

    source: str
    output: Path
    name: str
    concurrency: int | None = None
    restart: bool = False
    accept: bool = False
    retry_failed: bool = False
    template: str | None = None
    join: str | None = None
    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    extra: str | None = None
    endpoint: str = "auto"
    cache: bool = False
    timeout: float = 3600.0
    priority: int = 0
    weight: float = 1.0
    not_before: datetime | None = None
    url: str | None = None

    def request(self) -> JobRequest:
        return JobRequest(
            spec=self.spec(),
            server=self.name,
            url=self.url,
            api_key=os.environ.get("VLLM_API_KEY") if self.url else None,
            priority=self.priority,
            weight=self.weight,
            not_before=self.not_before.astimezone(UTC) if self.not_before else None,
            restart=self.restart,
            retry_failed=self.retry_failed,
            accept_changes=self.accept,
        )

    def spec(self) -> BatchSpec:
        """The batch, its files as absolute paths; standard input is spooled beside the output."""
        if self.source == "-":
            source = spooled(sys.stdin.buffer, self.output, anew=self.restart)
        else:
            source = Path(os.path.abspath(self.source))
        return BatchSpec(
            input=str(source),
            output=str(self.output),
            template=None if self.template is None else read_template(self.template),
            join=None if self.join is None else os.path.abspath(self.join),
            concurrency=self.concurrency,
            model=self.model,
            system=self.system,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            endpoint=Endpoint(self.endpoint),
            cache=self.cache,
            timeout_s=self.timeout,
            extra=None if self.extra is None else _object(self.extra),
        )


def _object(given: str) -> str:
    """The further parameters as they were given, once they are known to be a JSON object."""
    from vconsole.requests.attachments import json_object

    return json.dumps(json_object(given, "extra parameters"), sort_keys=True)


def run(asked: Asked, as_json: bool, detach: bool) -> int:
    """Queue the batch and follow it to its end, which is the exit code."""
    client = reach_supervisor()
    job = _submit(client, asked)
    if detach:
        if as_json:
            print_json(result_of(job))
        else:
            say(f"job {job.id} is {job.state}: vconsole batch show {job.id}")
        return int(ExitCode.DONE)
    say(f"job {job.id}: {Path(job.spec.input).name} -> {job.spec.output}")
    try:
        ended = _followed(client, job)
    except KeyboardInterrupt:
        say(f"\nthe job goes on: vconsole batch show {job.id}")
        say(f"  it is ended by: vconsole batch cancel {job.id}")
        raise
    cost = cost_of(client, ended)
    if as_json:
        print_json(result_of(ended, cost))
    else:
        click.echo("\n".join(result_lines(ended, cost)))
    return int(_exit_code(ended))


def show_preview(asked: Asked, as_json: bool) -> int:
    """Check all of the input, ask the first of it, and say what the whole would take."""
    import asyncio

    from vconsole.cli.requests.batch_preview import preview_lines, where
    from vconsole.requests.batch.preview import preview

    url, api_key = where(asked.name, asked.url)
    found = asyncio.run(preview(asked.spec(), url, api_key))
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(preview_lines(found)))
    return int(ExitCode.DONE)


def _submit(client: SupervisorClient, asked: Asked) -> JobStatus:
    """Ask for the job; where an earlier one differs, a person is asked what is meant."""
    from dataclasses import replace

    request = asked.request()
    try:
        return client.submit(request)
    except VConsoleError as error:
        if error.kind != "changed" or not sys.stdin.isatty() or not sys.stderr.isatty():
            raise
        say(error.message)
    choice = click.prompt(
        "begin anew, go on with the rest, or leave",
        type=click.Choice(["restart", "continue", "leave"]),
        default="leave",
        err=True,
    )
    if choice == "leave":
        raise click.Abort
    anew = choice == "restart"
    return client.submit(replace(request, restart=anew, accept_changes=not anew))


def _followed(client: SupervisorClient, job: JobStatus) -> JobStatus:
    """The job as it ended, its progress on stderr meanwhile."""
    said_s, said = time.monotonic(), ""
    for seen in watched_job(client, job):
        job = seen
        state = f"{job.state} {job.note or ''}"
        if state != said or time.monotonic() - said_s > SAY_EVERY_S:
            said_s, said = time.monotonic(), state
            say(progress_line(job))
    return job


def _exit_code(job: JobStatus) -> ExitCode:
    good = job.state == JobState.DONE and not (job.progress and job.progress.failed)
    return ExitCode.DONE if good else ExitCode.FAILED
