"""A bench in its job's process: where the servers are, swapping between profiles, how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vconsole.errors import VConsoleError
from vconsole.requests.batch.model import Directive, Phase
from vconsole.requests.batch.model import Progress as JobProgress
from vconsole.requests.bench import kept
from vconsole.requests.bench.kept import BenchState
from vconsole.requests.bench.model import Target
from vconsole.requests.bench.plan import BenchSpec, Facts
from vconsole.requests.bench.sweep import BenchProgress, StandingStage, Sweep, ask_facts
from vconsole.supervisor.autostart import running_supervisor
from vconsole.supervisor.jobs.folder import JobFolder
from vconsole.supervisor.jobs.profile_stage import ProfileStage, facts_of

TELL_S, WAIT_S = 0.3, 0.2
PHASES = {
    BenchState.DONE: Phase.DONE,
    BenchState.FAILED: Phase.FAILED,
    BenchState.CANCELLED: Phase.CANCELLED,
}


class JobStage:
    """The first target is the job's server, wherever that is now; the others are where they are."""

    def __init__(self, spec: BenchSpec, look: Callable[[], Directive]) -> None:
        self._spec, self._look = spec, look
        self._others = StandingStage(spec)

    async def target(self, contender: str) -> Target:
        directive = self._look()
        while directive.paused or (directive.url is None and self._is_ours(contender)):
            if directive.cancelled:
                break
            await asyncio.sleep(WAIT_S)
            directive = self._look()
        target = await self._others.target(contender)
        if not self._is_ours(contender):
            return target
        return replace(target, url=directive.url or target.url, api_key=directive.api_key)

    async def facts(self, contender: str) -> Facts:
        if self._is_ours(contender) and self._spec.server is not None:
            client = await asyncio.to_thread(running_supervisor)
            if client is not None:
                status = await asyncio.to_thread(client.server, self._spec.server)
                return facts_of(contender, status)
        return await ask_facts(await self.target(contender))

    def _is_ours(self, contender: str) -> bool:
        return self._spec.server is not None and contender == self._spec.targets[0].name


class BenchWork:
    """Goes on where an earlier process of the same job was ended."""

    def __init__(
        self,
        folder: JobFolder,
        spec: BenchSpec,
        look: Callable[[], Directive],
        tell: Callable[[JobProgress], None],
    ) -> None:
        self._look, self._tell = look, tell
        batch = folder.spec()
        if batch is None:
            raise VConsoleError(f"there is no job in {folder.path}")
        before = kept.load(Path(batch.output).stem)
        # The kept one has no keys.
        self._bench = replace(before, spec=spec, state=BenchState.RUNNING, note=None, remedy=None)
        self._begun_s = time.monotonic()
        self._told_s = 0.0
        self._last = BenchProgress(0, 0, 0, 0, 0, "getting ready")

    async def run(self) -> Phase:
        spec = self._bench.spec
        stage = ProfileStage(spec) if spec.profiles else JobStage(spec, self._look)
        sweep = Sweep(self._bench, stage, self._note, lambda: self._look().cancelled)
        self._say(Phase.CHECKING)
        try:
            bench = await sweep.run()
        finally:
            if isinstance(stage, ProfileStage):
                with contextlib.suppress(VConsoleError):
                    await stage.put_back()
        phase = PHASES[bench.state]
        self._say(phase, bench.note, bench.remedy)
        return phase

    def _note(self, progress: BenchProgress) -> None:
        """Take note of every answer, and tell it now and then."""
        moved = progress.steps_done != self._last.steps_done
        self._last = progress
        if moved or time.monotonic() - self._told_s > TELL_S:
            getting_ready = progress.words.endswith("getting ready")
            self._say(Phase.CHECKING if getting_ready else Phase.RUNNING, progress.words)

    def _say(self, phase: Phase, note: str | None = None, remedy: str | None = None) -> None:
        last, seconds = self._last, time.monotonic() - self._begun_s
        self._told_s = time.monotonic()
        left = last.total - last.done
        self._tell(
            JobProgress(
                phase,
                total=last.total,
                completed=last.done - last.failed,
                failed=last.failed,
                eta_s=seconds / last.done * left if last.done and phase is Phase.RUNNING else None,
                seconds=seconds,
                note=note,
                remedy=remedy,
            )
        )
