"""What the rules look at: one server's figures, its cards, and how it was started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vconsole.engine.command.command_line import flag
from vconsole.engine.metrics.figures import Metrics
from vconsole.host.card_bandwidth import memory_bandwidth_bytes_per_s
from vconsole.host.readings import Gpu, GpuProcess
from vconsole.supervisor.model import ServerState, ServerStatus, Status

STALE_S = 5.0


@dataclass(frozen=True)
class Situation:
    """A server that serves; `gpus` are the cards that it runs on."""

    status: Status
    metrics: Metrics
    gpus: tuple[Gpu, ...]

    @property
    def server(self) -> ServerStatus:
        return self.status.server

    @property
    def running(self) -> float:
        return self.metrics.requests_running or 0.0

    @property
    def waiting(self) -> float:
        return self.metrics.requests_waiting or 0.0

    @property
    def is_on_cpu(self) -> bool:
        return self.server.engine_device == "cpu"

    def flag(self, name: str) -> str | None:
        """A flag of the command line that runs, ours or the user's."""
        return flag(self.server.command, name)

    def number(self, name: str) -> int | None:
        """A flag's value where that is a plain number."""
        given = self.flag(name) or ""
        return int(given) if given.isdecimal() else None

    @cached_property
    def weights_bytes(self) -> int | None:
        """Weights on the first of its cards, as its log said."""
        first = self.gpus[0].index if self.gpus else None
        found = (card.parts for card in self.status.card_memory if card.index == first)
        weights = (part.bytes for part in next(found, ()) if part.kind == "weights")
        return next(weights, None)

    @cached_property
    def bandwidth_bytes_per_s(self) -> int | None:
        return memory_bandwidth_bytes_per_s(self.gpus[0]) if self.gpus else None

    @property
    def floor_ms(self) -> float | None:
        """What reading all weights once takes, and with it the fastest step."""
        weights, speed = self.weights_bytes, self.bandwidth_bytes_per_s
        return weights / speed * 1000 if weights and speed else None

    def tenants(self) -> Iterator[tuple[Gpu, GpuProcess]]:
        """Who else is on its cards; a desktop's windows are not meant."""
        for gpu in self.gpus:
            for process in gpu.processes:
                if process.owner != "ours" and not process.graphics:
                    yield gpu, process


def situation_of(status: Status) -> Situation | None:
    """None of a server that does not serve, or has not told its figures of late."""
    metrics = status.metrics
    if status.server.state is not ServerState.READY or metrics is None:
        return None
    if metrics.sample_age_s is None or metrics.sample_age_s >= STALE_S:
        return None
    gpus = tuple(gpu for gpu in status.gpus if gpu.index in status.server_gpus)
    return Situation(status, metrics, gpus)
