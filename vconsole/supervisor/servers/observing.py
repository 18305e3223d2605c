"""Looking at the processes of a serving tree: who is gone, who is halted, how much they worked.

vLLM's own children carry `PREFIX::EngineCore`, `PREFIX::Worker` as their command line
(`set_process_title` in vllm/utils/system_utils.py), which tells them from helpers that may end.
"""

from __future__ import annotations

import os
import re
import time

from vconsole.engine.metrics.figures import Scrape
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.health import Observation

TITLE = re.compile(r"::(EngineCore|Worker|DPCoordinator|APIServer)\w*")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
HALTED = frozenset({"T", "t"})


class TreeObserver:
    """Looks at one tree again and again; a title is remembered, so that a loss has a name."""

    def __init__(self) -> None:
        self._titles: dict[ProcessId, str | None] = {}

    def observe(
        self, leader: ProcessId, processes: tuple[ProcessId, ...], scrape: Scrape | None
    ) -> Observation:
        """One observation of a tree and of what `/metrics` said (None: no answer).

        A halted helper, such as Python's resource tracker, halts nothing that serves.
        """
        lost, stopped, cpu_ticks = [], [], 0
        for process in processes:
            title, seen = self._title_of(process), tree.look_at(process)
            if seen is None:
                lost += [f"{title} (pid {process.pid})"] if title else []
                continue
            cpu_ticks += seen.cpu_ticks
            name = "the API server" if process == leader else title
            if seen.state in HALTED and name:
                stopped.append(f"{name} (pid {process.pid})")
        return Observation(
            at_s=time.monotonic(),
            progress=_progress(scrape),
            in_hand=_in_hand(scrape),
            cpu_s=cpu_ticks / TICKS_PER_S,
            lost=tuple(lost),
            stopped=tuple(stopped),
        )

    def _title_of(self, process: ProcessId) -> str | None:
        """`EngineCore`, `Worker_TP0` ...; asked for until it is there, since it is set late."""
        if not self._titles.get(process):
            found = TITLE.search(tree.command_line(process.pid))
            self._titles[process] = found[0].removeprefix("::") if found else None
        return self._titles[process]


def _progress(scrape: Scrape | None) -> float | None:
    if scrape is None:
        return None
    return (scrape.prompt_tokens or 0) + (scrape.generation_tokens or 0)


def _in_hand(scrape: Scrape | None) -> float:
    if scrape is None:
        return 0.0
    return (scrape.requests_running or 0) + (scrape.requests_waiting or 0)
