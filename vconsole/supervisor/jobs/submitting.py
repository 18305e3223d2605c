"""What is checked and put in order before a job is queued; an error leaves every file as it was."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch import identity
from vconsole.requests.batch.join import check_join
from vconsole.requests.batch.journal import Journal, cannot_use, set_aside_failures
from vconsole.requests.batch.model import BatchSpec
from vconsole.requests.batch.source import open_source
from vconsole.requests.batch.template import checked
from vconsole.requests.bench import kept
from vconsole.requests.bench.kept import Bench, BenchState
from vconsole.supervisor.jobs.model import JobKind, JobRecord, JobRequest, JobState
from vconsole.supervisor.model import Desired
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.servers.states import RUNNING

KEY_FILE = "key"
# Batches of lower priority wait while it measures.
BENCH_PRIORITY = 1000


def needs_server(request: JobRequest) -> bool:
    """Whether it is refused without a server that runs; a bench of profiles starts its own."""
    swaps = request.bench is not None and request.bench.profiles
    return request.url is None and request.not_before is None and not swaps


def require_server(server: Server) -> None:
    """A server that runs or is about to; else the error that there is none (exit code 3)."""
    if server.book.state in RUNNING or server.busy:
        return
    if server.book.record.desired is Desired.RUNNING and server.book.record.next_start_at:
        return
    raise VConsoleError(
        f"{server.name} is {server.book.state}, and a batch needs a server",
        "start one: vconsole start MODEL",
        ExitCode.NO_SERVER,
        kind="not_running",
    )


def named(request: JobRequest) -> JobRequest:
    """A bench with the names of its files: what it measures is kept under an id of its own."""
    if request.bench is None:
        return request
    bench = Bench(kept.new_id(), request.bench, datetime.now(UTC))
    kept.keep(bench)
    spec = BatchSpec(f"bench {bench.id}", str(kept.path_of(bench.id)))
    return replace(request, spec=spec, priority=BENCH_PRIORITY)


def close_bench(record: JobRecord, state: JobState, note: str | None, remedy: str | None) -> None:
    """Keep how a bench ended whose process could not: none had begun, or it died for good."""
    if record.kind != JobKind.BENCH:
        return
    with contextlib.suppress(VConsoleError):
        bench = kept.load(record.spec.output_path.stem)
        if bench.state is BenchState.RUNNING:
            ended = {"ended_at": datetime.now(UTC), "note": note, "remedy": remedy}
            kept.keep(replace(bench, state=BenchState(state.value), **ended))  # type: ignore[arg-type]


def prepare(request: JobRequest) -> None:
    """Check the files and do with what is there as was asked; blocks."""
    if request.bench is not None:
        return
    spec = request.spec
    if spec.template is not None:
        checked(spec.template)
    if spec.join is not None:
        check_join(Path(spec.join))
    open_source(spec)
    _require_apart(spec)
    try:
        if request.restart:
            _put_away(spec)
        elif not request.accept_changes and (differences := identity.changes(spec)):
            raise identity.changed(spec.output_path, differences)
        if request.retry_failed:
            set_aside_failures(spec.errors_path)
    except OSError as error:
        raise cannot_use(spec.output_path, error) from error
    Journal(spec.output_path, spec.errors_path).close()


def record_of(job_id: str, request: JobRequest) -> JobRecord:
    return JobRecord(
        id=job_id,
        spec=request.spec,
        server=request.server,
        created_at=datetime.now(UTC),
        url=request.url,
        priority=request.priority,
        weight=request.weight,
        not_before=request.not_before,
        kind=(JobKind.BENCH if request.bench else JobKind.BATCH).value,
        swaps=bool(request.bench and request.bench.profiles),
    )


def keep_key(folder: Path, api_key: str | None) -> None:
    """The key of a server that is not ours, in a file (0600) of the job's own folder."""
    if api_key is None:
        return
    descriptor = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(api_key)


def kept_key(folder: Path) -> str | None:
    try:
        return (folder / KEY_FILE).read_text() or None
    except OSError:
        return None


def _require_apart(spec: BatchSpec) -> None:
    """No file of a batch may be another one of it."""
    files = [spec.input, spec.output, str(spec.errors_path), *([spec.join] if spec.join else [])]
    if len({os.path.realpath(file) for file in files}) < len(files):
        raise VConsoleError(
            "input, output and joined file must be different files",
            "name another with -o or --join",
            ExitCode.USAGE,
        )


def _put_away(spec: BatchSpec) -> None:
    """What an earlier batch left moves aside, so that the new one begins with nothing."""
    for path in (spec.output_path, spec.errors_path, identity.identity_path(spec.output_path)):
        if path.exists():
            path.replace(path.with_name(f"{path.name}.previous"))
