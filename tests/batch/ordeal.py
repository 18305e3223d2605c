"""A batch whose parts are killed again and again, and what must be so after each of the deaths.

Used by the tests on the stub and by the faults on a real vLLM: a face submits it, the supervisor
owns it, the server counts for itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.support.home import Home, wait_until
from vconsole.engine.metrics.exposition import parse

AT_ONCE = 16
LONG_S = 300.0


def finished_at(url: str) -> float:
    """How many requests a server says that it answered in full, since it was started."""
    by_reason = parse(httpx.get(f"{url}/metrics", timeout=60).content).finished_by_reason
    return by_reason.get("stop", 0) + by_reason.get("length", 0)


class Ordeal:
    """One input, answered into a new output whenever the last one is complete before its time."""

    def __init__(self, home: Home, source: Path, count: int, url: str, *options: str) -> None:
        self._home, self._source, self._count, self._url = home, source, count, url
        self._options = options
        self._number = self._begun_with = self._job_deaths = 0
        self.submit()

    @property
    def _output(self) -> Path:
        return self._source.with_name(f"out{self._number}.jsonl")

    def submit(self) -> None:
        self._number += 1
        # What the server has answered until now was for another output.
        self._begun_with, self._job_deaths = -int(finished_at(self._url)), 0
        arguments = ("batch", "run", str(self._source), "-o", str(self._output), *self._options)
        ran = self._home.run(*arguments, "--concurrency", str(AT_ONCE), "--detach", "--json")
        assert ran.code == 0, ran.err
        self._job = str(ran.data["job"])

    def job(self) -> dict[str, Any]:
        return self._home.run("batch", "show", self._job, "--json").data

    def lines(self) -> int:
        """Whole lines of the output, each with an id of the input that no other one has."""
        content = self._output.read_bytes() if self._output.exists() else b""
        whole = content[: content.rfind(b"\n") + 1].splitlines()
        ids = [json.loads(line)["custom_id"] for line in whole]
        assert len(set(ids)) == len(ids)
        assert set(ids) <= {f"r{number}" for number in range(self._count)}
        return len(ids)

    def gets_on(self, chance: random.Random) -> None:
        """Wait until more is answered, by a number of chance; begin anew where all is done."""
        wanted = self.lines() + chance.randrange(5, 80)
        done = min(wanted, self._count)
        wait_until(f"{done} lines", lambda: self.lines() >= done, LONG_S)
        if done < wanted:
            self.end()
            self.submit()
            self.gets_on(chance)

    def kill_job(self) -> None:
        """Kill its process, unless it has just ended by itself."""
        pid = self.job()["pid"]
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._job_deaths += 1

    def kill_supervisor(self) -> None:
        """Kill the one that runs, or that is brought up where the last one was killed."""
        self.job()
        os.kill(self._home.run("supervisor", "status", "--json").data["pid"], signal.SIGKILL)

    def kill_server(self, kill: Callable[[], None]) -> None:
        """Kill it, and wait until the job has nothing more of it to write."""
        kill()
        quiet = {"waiting", "queued", "done"}
        wait_until("the job waits", lambda: self.job()["state"] in quiet, LONG_S)
        self._begun_with, self._job_deaths = self.lines(), 0

    def check(self) -> None:
        """The server has answered what stands in the output, and not much more."""
        written = self.lines() - self._begun_with
        self._counts(written)
        answered = finished_at(self._url)
        lost = answered - (self.lines() - self._begun_with)
        # A death of the job loses what it had in flight; just now as many may be on their way.
        assert lost <= AT_ONCE * (self._job_deaths + 1)

    def _counts(self, written: int) -> None:
        """The server counts an answer a moment after it has given it."""
        try:
            wait_until("it has counted all", lambda: finished_at(self._url) >= written)
        except AssertionError as error:
            told = f"{written} were written since it began, it counts {finished_at(self._url)}"
            raise AssertionError(f"{error}: {told}") from error

    def end(self) -> None:
        """All is answered, once; the server answered nothing twice but what a death had lost."""
        wait_until("it is done", lambda: self.job()["state"] == "done", LONG_S)
        job = self.job()
        assert (job["completed"], job["failed"]) == (self._count, 0)
        assert self.lines() == self._count
        assert self._output.read_bytes().endswith(b"\n")
        written = self._count - self._begun_with
        self._counts(written)
        assert finished_at(self._url) - written <= AT_ONCE * self._job_deaths
