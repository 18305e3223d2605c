"""The rows of the card that ends the search for a cause: why, where in the log, what to press."""

from __future__ import annotations

from vconsole.engine.command.flags import difference, replaced
from vconsole.supervisor.model import Failure, ServerState, ServerStatus
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, line, sentence, wrapped

KEYS = {"change": "r", "fp8": "k", "fallback": "f"}


def failure_rows(server: ServerStatus, width: int, room: int, glyphs: Glyphs) -> list[Line]:
    """The card for `width`; where it has more than `room` rows the context goes first."""
    failure = server.last_failure
    if failure is None:
        return []
    head = wrapped(failure.message, width)
    evidence = _evidence(failure, with_context=True)
    advice = _advice(failure, width)
    keys = _keys(server, failure, glyphs)
    if len(head) + len(evidence) + len(advice) + len(keys) > room:
        evidence = _evidence(failure, with_context=False)
    return [*head, *evidence, *advice, *keys]


def _evidence(failure: Failure, with_context: bool) -> list[Line]:
    """The line that shows the cause, its neighbours above and below it."""
    if not failure.evidence_text:
        return []
    number = failure.evidence_line
    lead = f"log line {number}  " if number else "log  "
    row = line((lead, Role.DIM), (failure.evidence_text, Role.BAD))
    if not with_context:
        return [row]
    blank = " " * len(lead)
    around = [
        [line(blank, (text.strip(), Role.FAINT)) for text in part if text.strip()]
        for part in (failure.before, failure.after)
    ]
    return [*around[0], row, *around[1]]


def _advice(failure: Failure, width: int) -> list[Line]:
    """The remedy, and whether a retry alone helps."""
    retry = "A retry alone may help." if failure.retryable else "A retry alone does not help."
    retry = "" if failure.cause == "unknown" else retry
    text = " ".join(part for part in (sentence(failure.remedy or ""), retry) if part.strip("."))
    return [(), *wrapped(text, width)] if text else []


def _keys(server: ServerStatus, failure: Failure, glyphs: Glyphs) -> list[Line]:
    """A row for each way out; the first with its change as a diff."""
    if server.state is not ServerState.FAILED or not failure.ways_out:
        flags = " ".join(failure.suggested_flags)
        return [line(("try  ", Role.DIM), (flags, Role.ACCENT))] if flags else []
    rows: list[Line] = []
    for way in failure.ways_out:
        rows.append(line((f"{KEYS.get(way.kind, ' ')}  ", Role.KEY), way.words))
        if way.kind == "change":
            changed = replaced(server.flags, way.flags)
            rows += [_changed(each) for each in difference(server.flags, changed)]
    return rows


def _changed(text: str) -> Line:
    return line("   ", (text, Role.GOOD if text.startswith("+") else Role.BAD))
