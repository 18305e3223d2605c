"""Asking for a bench, following it to its end, and telling what it found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from vconsole.cli.output import duration, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.requests.bench_report import report
from vconsole.cli.requests.watching_a_job import watched_job
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.files import require_folder
from vconsole.requests.bench.kept import load
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.asked_bench import AskedBench
from vconsole.supervisor.jobs.model import JobStatus

SAY_EVERY_S = 2.0


def run(asked: AskedBench, files: Mapping[str, Path | None], as_json: bool, detach: bool) -> int:
    """Queue it and follow it to its end."""
    for path in files.values():
        if path is not None:
            require_folder(path)
    client = reach_supervisor()
    job = client.submit(asked.request())
    bench_id = Path(job.spec.output).stem
    if detach:
        if as_json:
            print_json({"job": job.id, "bench": bench_id, "state": job.state})
        else:
            say(f"bench {bench_id} is {job.state}: vconsole bench show {bench_id}")
        return int(ExitCode.DONE)
    say(f"bench {bench_id} is job {job.id}")
    try:
        _follow(client, job)
    except KeyboardInterrupt:
        say(f"\nit goes on; see it: vconsole bench show {bench_id}")
        say(f"end it: vconsole bench cancel {bench_id}")
        raise
    return report(load(bench_id), files, as_json)


def _follow(client: SupervisorClient, job: JobStatus) -> None:
    """Until it has ended, its progress on stderr."""
    said_s, said = 0.0, ""
    for seen in watched_job(client, job):
        words = seen.note or seen.state
        if words != said or time.monotonic() - said_s > SAY_EVERY_S:
            said_s, said = time.monotonic(), words
            say(_progress_line(seen, words))


def _progress_line(job: JobStatus, words: str) -> str:
    progress = job.progress
    if progress is None or not progress.total:
        return f"  {words}"
    left = f", about {duration(progress.eta_s)} left" if progress.eta_s else ""
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    return f"  {progress.done:,} of {progress.total:,}  {words}{left}{failed}"


def act_on(bench_id: str, verb: str, as_json: bool) -> int:
    """`cancel` or `resume` the job that measures it."""
    load(bench_id)
    client = reach_supervisor()
    found = [job for job in client.jobs() if Path(job.spec.output).stem == bench_id]
    if not found:
        raise VConsoleError(
            f"no job of {bench_id} is remembered", "measure anew: vconsole bench", ExitCode.REFUSED
        )
    job = client.job_verb(found[0].id, verb)
    if as_json:
        print_json({"job": job.id, "bench": bench_id, "state": job.state})
    else:
        say(f"bench {bench_id} is {job.state}")
    return int(ExitCode.DONE)
