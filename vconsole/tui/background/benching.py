"""What the bench screen asks for off the loop: kept benches, their jobs, verbs, files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from vconsole import settings
from vconsole.errors import VConsoleError
from vconsole.requests.bench import files, kept
from vconsole.requests.bench.kept import Bench
from vconsole.settings import PriceSettings
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobKind, JobRequest, JobStatus
from vconsole.tui.background.calls import deliver, in_background, send_in_background
from vconsole.tui.rows.bench_look import BenchRow, rows_of


@dataclass(frozen=True, slots=True)
class BenchLook:
    """One look at what is kept and at what runs."""

    rows: tuple[BenchRow, ...] = ()
    prices: PriceSettings = field(default_factory=PriceSettings)


@dataclass
class BenchesArrived(Message):
    look: BenchLook


@dataclass
class BenchDone(Message):
    """A verb was carried out: what to say, and the bench to mark."""

    words: str
    bench_id: str | None = None


class Benching:
    """`screen` receives the answers, `app` what was refused."""

    def __init__(self, screen: MessagePump, app: MessagePump, socket_path: Path) -> None:
        self._screen, self._app = screen, app
        self._client = SupervisorClient(socket_path)
        self._shelf = kept.Shelf()

    def read(self) -> None:
        def run() -> None:
            deliver(self._screen, BenchesArrived(self._look()))

        in_background("benches", run)

    def _look(self) -> BenchLook:
        """What is kept is shown without a supervisor too."""
        try:
            jobs: tuple[JobStatus, ...] = self._client.jobs()
        except (VConsoleError, msgspec.MsgspecError):
            jobs = ()
        of_benches = [job for job in jobs if job.kind == JobKind.BENCH]
        return BenchLook(rows_of(self._shelf.benches(), of_benches), _prices())

    def submit(self, request: JobRequest) -> None:
        def run() -> Message:
            job = self._client.submit(request)
            bench_id = job.spec.output_path.stem
            return BenchDone(f"Bench {bench_id} is {job.state}.", bench_id)

        self._send("bench", run)

    def verb(self, row: BenchRow, verb: str) -> None:
        def run() -> Message:
            assert row.job is not None
            job = self._client.job_verb(row.job.id, verb)
            return BenchDone(f"Bench {row.id} is {job.state}.", row.id)

        self._send(verb, run)

    def forget(self, bench: Bench) -> None:
        def run() -> Message:
            kept.forget(bench.id)
            return BenchDone(f"Bench {bench.id} is forgotten.")

        self._send("forget", run)

    def write(self, bench: Bench, path: Path, kind: str) -> None:
        def run() -> Message:
            files.write(path, bench, kind, _prices())
            return BenchDone(f"Written: {path}")

        self._send("export", run)

    def _send(self, verb: str, call: Callable[[], Message]) -> None:
        send_in_background(self._screen, self._app, verb, call)


def _prices() -> PriceSettings:
    try:
        return settings.load().prices
    except VConsoleError:
        return PriceSettings()
