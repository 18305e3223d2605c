"""A job's process: spawned in a session of its own, adopted, ended, by the code for servers."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.jobs.folder import JobFolder
from vconsole.supervisor.jobs.model import JobRun
from vconsole.supervisor.processes import process, scope, tree

SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class JobProcess:
    """One that we started, or (`child` None) that an earlier supervisor did."""

    def __init__(self, run: JobRun, child: subprocess.Popen[bytes] | None = None) -> None:
        self.run = run
        self._child = child

    @classmethod
    def spawn(cls, job_id: str, folder: JobFolder, scoping: scope.Scoping | None) -> JobProcess:
        """Start the process of a job whose folder is prepared."""
        tag = f"job-{job_id}-{secrets.token_hex(6)}"
        command: tuple[str, ...] = (
            *(sys.executable, "-m", "vconsole.supervisor.jobs.worker"),
            str(folder.path),
        )
        environment = _environment(tag)
        if scoping:
            environment |= scoping.environment
            command = scoping.around(tag, f"batch {job_id} of vconsole", command)
        child = process.spawn(command, environment, folder.log, folder.path)
        leader = tree.identify(child.pid)
        if leader is None:
            raise VConsoleError(f"the process of job {job_id} ended at once")
        return cls(JobRun(tag, tree.boot_id(), leader), child)

    @classmethod
    def adopt(cls, run: JobRun) -> JobProcess | None:
        """The process of that run where it still lives."""
        if run.boot_id != tree.boot_id() or not tree.is_alive(run.leader):
            return None
        return cls(run)

    def is_alive(self) -> bool:
        if self._child is not None:
            self._child.poll()
        return tree.is_alive(self.run.leader)

    async def end(self) -> None:
        """End it, mildest first; what it has not done stays to be done."""
        run = self.run
        known = frozenset({run.leader})
        await process.end_tree(run.leader, known, run.tag, 0, self.is_alive, cgroup=run.cgroup)


async def scoping() -> scope.Scoping | None:
    return await asyncio.to_thread(scope.offered)


def _environment(tag: str) -> dict[str, str]:
    """Ours, without what a job has no use for: its key comes by the directive."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not any(word in name.upper() for word in SECRET_WORDS)
    }
    home = str(paths.state_dir())
    return {**kept, tree.TAG_VARIABLE: tag, tree.HOME_VARIABLE: home}
