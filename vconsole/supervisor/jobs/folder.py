"""What a job's process and the supervisor say to each other, as files that outlive both.

The supervisor writes what to do (`spec.json`, `directive.json`, both 0600), the process how far it
is (`progress.json`) and its log. Each is replaced whole, so that neither ever reads a part.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec

from vconsole import paths
from vconsole.requests.batch.model import BatchSpec, Directive, Progress
from vconsole.requests.bench.plan import BenchSpec

T = TypeVar("T")


class JobFolder:
    """The files of one job; reading gives None for what is not there or makes no sense."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._directive_seen: tuple[int, int] | None = None
        self._directive: Directive | None = None

    @property
    def log(self) -> Path:
        return self.path / "job.log"

    def prepare(self, spec: BatchSpec) -> None:
        paths.private_folder(self.path)
        self._put("spec.json", spec)

    def spec(self) -> BatchSpec | None:
        return self._get("spec.json", BatchSpec)

    def prepare_bench(self, spec: BenchSpec | None) -> None:
        """What a bench measures, keys of other servers in it."""
        if spec is not None:
            self._put("bench.json", spec)

    def bench(self) -> BenchSpec | None:
        return self._get("bench.json", BenchSpec)

    def direct(self, directive: Directive) -> None:
        self._put("directive.json", directive)

    def directive(self) -> Directive:
        """What is wanted now; read again only when the file is another. Without one: to wait."""
        try:
            found = os.stat(self.path / "directive.json")
        except OSError:
            return self._directive or Directive()
        seen = (found.st_ino, found.st_mtime_ns)
        if seen != self._directive_seen:
            self._directive = self._get("directive.json", Directive) or self._directive
            self._directive_seen = seen
        return self._directive or Directive()

    def tell(self, progress: Progress) -> None:
        # A full disk hides how far the job is, and stops nothing.
        with contextlib.suppress(OSError):
            self._put("progress.json", progress)

    def progress(self) -> Progress | None:
        return self._get("progress.json", Progress)

    def forget_progress(self) -> None:
        (self.path / "progress.json").unlink(missing_ok=True)

    def last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"

    def _put(self, name: str, content: object) -> None:
        temporary = self.path / f".{name}.{os.getpid()}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(content))
        temporary.replace(self.path / name)

    def _get(self, name: str, wanted: type[T]) -> T | None:
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=wanted)
        except (OSError, msgspec.MsgspecError):
            return None


def job_folder(job_id: str) -> JobFolder:
    return JobFolder(paths.state_dir() / "jobs" / job_id)
