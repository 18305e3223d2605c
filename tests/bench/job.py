"""A job's process run for a benchmark: what it cost, how its memory grew, how fast it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.ground import Ground
from vconsole.requests.batch.model import BatchSpec, Directive, Progress
from vconsole.supervisor.jobs.directing import BEHIND_OTHERS
from vconsole.supervisor.jobs.folder import JobFolder

STEADY_FROM_S = 10.0
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class JobRun:
    """`steady_per_s` is the rate from the tenth second on; of a shorter run that of all of it."""

    progress: Progress
    resident_mb: tuple[float, ...]
    cpu_s: float
    steady_per_s: float


def chats(path: Path, count: int, model: str, tokens: int, salt: object = 0) -> Path:
    """Whole requests that are all different; another `salt` makes others."""
    with path.open("w") as file:
        for number in range(count):
            content = f"question number {salt}.{number}"
            messages = [{"role": "user", "content": content}]
            body: dict[str, Any] = {"model": model, "messages": messages}
            body |= {"max_tokens": tokens, "temperature": 0, "ignore_eos": True}
            line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions"}
            file.write(json.dumps(line | {"body": body}) + "\n")
    return path


def run_job(
    ground: Ground,
    folder: Path,
    source: Path,
    url: str,
    *,
    concurrency: int | None = None,
    seconds: float | None = None,
) -> JobRun:
    """Run a job to its end, or for so many seconds, with nobody else at work."""
    until_s = seconds
    with job_at_work(ground, folder, source, url, concurrency) as (child, job):
        resident, seen, begun_s = list[float](), list[tuple[float, int]](), time.monotonic()
        while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(LOOK_S)
            now_s = time.monotonic() - begun_s
            if progress := job.progress():
                seen.append((now_s, progress.completed))
            pages = Path(f"/proc/{child.pid}/statm").read_text().split()[1]
            resident.append(int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6)
            if seconds is not None and now_s > seconds:
                # Not by the child's own method: that would wait for it, and lose what it used.
                os.kill(child.pid, signal.SIGTERM)
                seconds = None
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        last = job.progress()
    assert child.returncode == 0
    assert last is not None
    rate = steady_rate(seen, until_s) or last.requests_per_s or 0.0
    sizes = tuple(size for size in resident if size > 1)
    return JobRun(last, sizes, used.ru_utime + used.ru_stime, rate)


@contextmanager
def job_at_work(
    ground: Ground, folder: Path, source: Path, url: str, concurrency: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], JobFolder]]:
    """A job's process for as long as the block runs, told what the supervisor would tell it."""
    folder.mkdir(parents=True, exist_ok=True)
    job = JobFolder(folder / "job")
    job.prepare(BatchSpec(str(source), str(folder / "out.jsonl"), concurrency=concurrency))
    job.direct(Directive(url, priority=BEHIND_OTHERS))
    command = [sys.executable, "-m", "vconsole.supervisor.jobs.worker", str(job.path)]
    child = subprocess.Popen(command, env=ground.environment, stderr=subprocess.DEVNULL)
    try:
        yield child, job
    finally:
        if child.returncode is None:
            child.terminate()
            child.wait(60)


def steady_rate(seen: list[tuple[float, int]], until_s: float | None = None) -> float | None:
    """Requests a second from the tenth second on, until nothing more is answered."""
    late = [
        (at_s, done)
        for at_s, done in seen
        if at_s >= STEADY_FROM_S and done < seen[-1][1] and (until_s is None or at_s <= until_s)
    ]
    if len(late) < 5:
        return None
    return (late[-1][1] - late[0][1]) / (late[-1][0] - late[0][0])
