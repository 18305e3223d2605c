"""What to do about what happened: each rule names its ground and the command that acts on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from vconsole.host.readings import HOT
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.telling.event import Event, EventKind

OFTEN = 3
Events = Sequence[Event]


def advise(events: Events, totals: Totals) -> tuple[str, ...]:
    """What to do now, most urgent first; nothing where all is well."""
    return tuple(line for rule in RULES for line in rule(events, totals))


def _failed_servers(events: Events, _: Totals) -> Iterator[str]:
    last: dict[str, Event] = {}
    for event in events:
        if event.server and event.data.get("state"):
            last[event.server] = event
    for server, event in last.items():
        if event.data["state"] == "failed":
            do = event.data.get("remedy") or "`vconsole diagnose` says why"
            again = f"vconsole restart --name {server}"
            yield f"{server} is failed: {do}; then `{again}`"
        elif event.data["state"] == "stalled":
            yield f"{server} is stalled ({event.data.get('cause')}): `vconsole logs -f`"


def _same_failure_again(events: Events, _: Totals) -> Iterator[str]:
    crashes = [event for event in events if event.kind == EventKind.CRASH]
    counts = Counter((event.server, event.data.get("failure")) for event in crashes)
    for (server, cause), count in counts.items():
        if count >= OFTEN:
            same = [e for e in crashes if (e.server, e.data.get("failure")) == (server, cause)]
            do = same[-1].data.get("remedy") or f"`vconsole diagnose --name {server}`"
            yield f"{server} ended {count} times by the same cause ({cause}): {do}"


def _record_refused(events: Events, _: Totals) -> Iterator[str]:
    last = {event.server: event for event in events if event.kind == EventKind.RECORD}
    for event in last.values():
        if event.severity != "info":
            yield f"{event.server}: {event.text}; free some space or fix the folder's permissions"


def _smoke_failed(events: Events, _: Totals) -> Iterator[str]:
    last = {event.server: event for event in events if event.kind == EventKind.SMOKE}
    for server, event in last.items():
        if not event.data.get("passed"):
            yield f"{event.text}: `vconsole smoke --name {server}` tries again"


def _strays(events: Events, _: Totals) -> Iterator[str]:
    for event in _still_there(events, EventKind.STRAY):
        yield f"{event.text}: `vconsole status` shows whether it is still there and what ends it"


def _ollama(events: Events, _: Totals) -> Iterator[str]:
    for event in _still_there(events, EventKind.OLLAMA)[-1:]:
        model = str(event.data.get("models") or "").partition(",")[0]
        yield f"{event.text}: `ollama stop {model}` frees it"


def _hot(events: Events, _: Totals) -> Iterator[str]:
    throttled = [e for e in events if e.kind == EventKind.THROTTLE and e.data.get("begins")]
    hot = Counter(event.data.get("gpu") for event in throttled if event.data.get("reason") in HOT)
    for gpu, count in hot.items():
        yield (
            f"GPU {gpu} was slowed down for heat or power supply {count} times: see to its "
            f"cooling, or lower its limit (`nvidia-smi -i {gpu} -pl WATTS`)"
        )


def _preempted(events: Events, totals: Totals) -> Iterator[str]:
    storms = [e for e in events if e.kind == EventKind.PREEMPTIONS and e.data.get("begins")]
    if storms:
        yield (
            f"{totals.preemptions:.0f} preemptions: the KV cache is too small for what runs at "
            "once; lower --max-num-seqs, or start with --kv-cache-dtype fp8"
        )


def _errors(_: Events, totals: Totals) -> Iterator[str]:
    if count := round(totals.finished.get("error", 0.0)):
        yield f"{count} requests ended in an error: `vconsole logs --level error`"


def _still_there(events: Events, kind: EventKind) -> list[Event]:
    """What appeared and, as far as is known, did not leave.

    A supervisor that begins tells of everything that is there, so what was told before is over.
    """
    there: dict[object, Event] = {}
    for event in events:
        if event.kind == kind and event.data.get("begins"):
            there[event.data.get("pid")] = event
        elif event.kind == kind:
            there.pop(event.data.get("pid"), None)
        elif event.kind == EventKind.SUPERVISOR and event.data.get("what") == "started":
            there.clear()
    return list(there.values())


RULES: tuple[Callable[[Events, Totals], Iterator[str]], ...] = (
    _failed_servers,
    _record_refused,
    _same_failure_again,
    _smoke_failed,
    _strays,
    _errors,
    _preempted,
    _hot,
    _ollama,
)
