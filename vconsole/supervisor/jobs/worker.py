"""A job's process: `python -m vconsole.supervisor.jobs.worker FOLDER`.

It needs nobody: with the supervisor dead it goes on by the last directive that it was given.
"""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from vconsole.errors import VConsoleError
from vconsole.requests.batch.model import ENDED, BatchSpec, Directive, Phase, Progress
from vconsole.requests.batch.runner import Run
from vconsole.requests.bench.plan import BenchSpec
from vconsole.supervisor.jobs.folder import JobFolder

log = logging.getLogger(__name__)


class Worker:
    """Runs the batch of a folder; told to end, it leaves the rest to another process."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._told_to_end = False
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def run(self) -> Phase:
        bench = self._folder.bench()
        if bench is not None:
            return self._measure(bench)
        spec = self._folder.spec()
        if spec is None:
            raise VConsoleError(f"there is no job in {self._folder.path}")
        try:
            return uvloop.run(self._carry_out(spec)).phase
        except VConsoleError as error:
            self._tell(Progress(Phase.FAILED, note=error.message, remedy=error.remedy))
            return Phase.FAILED

    def _measure(self, bench: BenchSpec) -> Phase:
        from vconsole.supervisor.jobs.bench_work import BenchWork

        return uvloop.run(BenchWork(self._folder, bench, self._look, self._tell).run())

    async def _carry_out(self, spec: BatchSpec) -> Progress:
        return await Run(spec, self._look, self._tell).run()

    def _look(self) -> Directive:
        directive = self._folder.directive()
        return replace(directive, cancelled=True) if self._told_to_end else directive

    def _tell(self, progress: Progress) -> None:
        if self._told_to_end and progress.phase in ENDED - {Phase.DONE}:
            progress = replace(progress, phase=Phase.WAITING, note="its process was ended")
        self._folder.tell(progress)

    def _on_term(self, _number: int, _frame: object) -> None:
        self._told_to_end = True


def main() -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        phase = Worker(JobFolder(Path(sys.argv[1]))).run()
    except VConsoleError as error:
        log.error("%s", error.message)
        return 1
    log.info("ended: %s", phase)
    return 0


if __name__ == "__main__":
    sys.exit(main())
