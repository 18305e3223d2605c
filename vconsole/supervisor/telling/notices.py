"""What a beat shows that was not so before, told as events: cards, tenants, preemption storms."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from vconsole.host.readings import HOT, ForeignServer, Gpu, GpuReading, StrayProcess
from vconsole.supervisor.model import OllamaStatus
from vconsole.supervisor.telling.event import EventKind, Fact, Severity
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.presence import Presence

# A power cap comes and goes by the second under load; what lasts is worth a line.
THROTTLED_FOR_S, UNTHROTTLED_FOR_S = 3.0, 60.0
# Processes are looked at every ten seconds: what one look alone shows may be a server that is just
# being stopped, what one alone misses may be one that was busy.
TWO_LOOKS_S = 15.0
STORM_WINDOW_S, STORM_PREEMPTIONS, STORM_OVER_S = 60.0, 20, 60.0
GIB = 2**30


class Notices:
    """Remembers the last beat; each method takes one kind of reading."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._throttled: Presence[tuple[int, str], Gpu] = Presence(
            THROTTLED_FOR_S, UNTHROTTLED_FOR_S
        )
        self._foreign: Presence[tuple[int, int | None], ForeignServer] = Presence(0.0, TWO_LOOKS_S)
        self._strays: Presence[int, StrayProcess] = Presence(TWO_LOOKS_S)
        self._ollama: Presence[str, OllamaStatus] = Presence()
        self._storms: Presence[str, float] = Presence(0.0, STORM_OVER_S)
        self._preempted: dict[str, deque[tuple[float, float]]] = {}
        self._gpu_note: str | None = None
        self._has_read_gpus = False

    def cards(self, now_s: float, reading: GpuReading) -> None:
        """Throttling that begins or ends, and cards that can no longer (or again) be read."""
        seen = {(gpu.index, why): gpu for gpu in reading.gpus for why in gpu.throttle}
        began, ended = self._throttled.observe(now_s, seen)
        for (index, why), gpu in began.items():
            severity = Severity.WARNING if why in HOT else Severity.INFO
            text = f"GPU {index} is slowed down ({why}){_drawing(gpu)}"
            facts: dict[str, Fact] = {"gpu": index, "reason": why, "begins": True}
            self._events.add(EventKind.THROTTLE, text, facts, severity)
        for index, why in ended:
            text = f"GPU {index} is no longer slowed down ({why})"
            facts = {"gpu": index, "reason": why, "begins": False}
            self._events.add(EventKind.THROTTLE, text, facts)
        self._note_of_cards(reading.note)

    def foreign(
        self, now_s: float, servers: Iterable[ForeignServer], owned: frozenset[int]
    ) -> None:
        """Other people's vLLM servers; one that became ours has not left."""
        seen = {(server.pid, server.start_ticks): server for server in servers}
        came, left = self._foreign.observe(now_s, seen)
        for server in came.values():
            model = server.model or "a model behind a key"
            text = f"a foreign vLLM serves {model} on port {server.port} (user {server.user})"
            self._events.add(EventKind.FOREIGN, text, _facts(server, begins=True))
        for server in left.values():
            if server.pid not in owned:
                text = f"the foreign vLLM on port {server.port} is gone"
                self._events.add(EventKind.FOREIGN, text, _facts(server, begins=False))

    def strays(self, now_s: float, strays: Iterable[StrayProcess]) -> None:
        came, left = self._strays.observe(now_s, {stray.pid: stray for stray in strays})
        for stray in came.values():
            text = f"{stray.name} (pid {stray.pid}, user {stray.user}) outlived its API server"
            facts = _facts(stray, begins=True)
            self._events.add(EventKind.STRAY, text, facts, Severity.WARNING)
        for stray in left.values():
            text = f"the stray {stray.name} (pid {stray.pid}) is gone"
            self._events.add(EventKind.STRAY, text, _facts(stray, begins=False))

    def ollama(self, now_s: float, status: OllamaStatus) -> None:
        """Ollama on the card: told when it loads another set of models, and when it lets go."""
        models = ", ".join(status.models)
        came, left = self._ollama.observe(now_s, {models: status} if status.gpu_bytes else {})
        for now in came.values():
            text = f"Ollama holds {(now.gpu_bytes or 0) / GIB:.1f} GiB of the card: {models}"
            facts = {"gpu_bytes": now.gpu_bytes, "models": models, "begins": True}
            self._events.add(EventKind.OLLAMA, text, facts, Severity.WARNING)
        if left and not self._ollama.there:
            self._events.add(EventKind.OLLAMA, "Ollama let go of the card", {"begins": False})

    def preemptions(self, now_s: float, counts: Mapping[str, float]) -> None:
        """Many preemptions in a minute: the KV cache is too small for what runs."""
        raging = {
            server: more
            for server, count in counts.items()
            if (more := self._in_window(server, now_s, count)) >= STORM_PREEMPTIONS
        }
        began, ended = self._storms.observe(now_s, raging)
        for server, more in began.items():
            text = f"{more:.0f} preemptions within a minute: the KV cache is too small for this"
            facts = {"preemptions": more, "begins": True}
            self._events.add(EventKind.PREEMPTIONS, text, facts, Severity.WARNING, server)
        for server in ended:
            text, facts = "no more preemptions", {"begins": False}
            self._events.add(EventKind.PREEMPTIONS, text, facts, server=server)

    def _in_window(self, server: str, now_s: float, count: float) -> float:
        counts = self._preempted.setdefault(server, deque())
        if counts and count < counts[-1][1]:
            counts.clear()
        counts.append((now_s, count))
        while counts[0][0] < now_s - STORM_WINDOW_S:
            counts.popleft()
        return count - counts[0][1]

    def _note_of_cards(self, note: str | None) -> None:
        if self._has_read_gpus and note != self._gpu_note:
            severity = Severity.ERROR if note else Severity.INFO
            text = note or "the cards can be read again"
            self._events.add(EventKind.GPU, text, {"note": note}, severity)
        self._gpu_note, self._has_read_gpus = note, True


def _facts(process: ForeignServer | StrayProcess, *, begins: bool) -> dict[str, Fact]:
    return {"pid": process.pid, "user": process.user, "begins": begins}


def _drawing(gpu: Gpu) -> str:
    known = [
        None if gpu.temperature_c is None else f"{gpu.temperature_c} °C",
        None if gpu.power_w is None else f"{gpu.power_w:.0f} W",
    ]
    words = ", ".join(word for word in known if word)
    return f" at {words}" if words else ""
