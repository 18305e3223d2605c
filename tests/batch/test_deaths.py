"""A job killed at random moments: every line whole, every id once, nothing missing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.conftest import assert_all_answered, lines_of, spec_of, write_requests
from tests.support.home import wait_until
from tests.support.stub import stub
from vconsole.requests.batch.model import Directive, Phase
from vconsole.supervisor.jobs.folder import JobFolder

pytestmark = pytest.mark.slow

REQUESTS = 400
LONGEST_S = 60.0


def killed_again_and_again(tmp_path: Path, seed: int, kills: int) -> None:
    """Kill the job's process at moments of chance, `kills` times in all, then let it end."""
    chance = random.Random(seed)
    output = tmp_path / "out.jsonl"
    folder = JobFolder(tmp_path / "job")
    source = write_requests(tmp_path / "in.jsonl", REQUESTS)
    with source.open("a") as file:
        file.write("nonsense\n")
    with stub("--slots", "16", "--service-ms", "4") as url:
        folder.prepare(spec_of(source, output))
        folder.direct(Directive(url))
        while kills:
            job = start(folder)
            time.sleep(chance.uniform(0.05, 0.6))
            killed = job.poll() is None
            job.send_signal(signal.SIGKILL)
            job.wait()
            kills -= 1
            if not killed:
                assert_all_answered(output, REQUESTS)
                output.unlink()
                (tmp_path / "out.errors.jsonl").unlink()
        folder.forget_progress()
        assert start(folder).wait(LONGEST_S) == 0
    progress = folder.progress()
    assert progress is not None
    assert (progress.phase, progress.completed, progress.failed) == (Phase.DONE, REQUESTS, 1)
    assert_all_answered(output, REQUESTS)
    assert len(lines_of(tmp_path / "out.errors.jsonl")) == 1


def start(folder: JobFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "vconsole.supervisor.jobs.worker", str(folder.path)]
    with folder.log.open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


@pytest.mark.parametrize("seed", range(2))
def test_twenty_deaths_of_a_job_lose_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    killed_again_and_again(tmp_path, seed, 10)


@pytest.mark.fault_matrix
@pytest.mark.parametrize("seed", range(100, 110))
def test_two_hundred_deaths_of_a_job_lose_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    killed_again_and_again(tmp_path, seed, 20)


def test_told_to_end_a_job_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), tmp_path / "out.jsonl"
    folder = JobFolder(tmp_path / "job")
    with stub("--slots", "4", "--service-ms", "20") as url:
        folder.prepare(spec_of(source, output))
        folder.direct(Directive(url))
        job = start(folder)
        wait_until("answers come", lambda: output.exists() and output.stat().st_size > 5_000)
        job.terminate()
        assert job.wait(20) == 0
        progress = folder.progress()
        assert progress is not None
        assert progress.phase is Phase.WAITING
        assert 0 < len(lines_of(output)) < REQUESTS
    with stub() as url:
        folder.direct(Directive(url))
        assert start(folder).wait(LONGEST_S) == 0
    assert_all_answered(output, REQUESTS)
