"""The start-up timeline: each phase with its seconds, drawn from left to right as time went by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vconsole.supervisor.model import ServerStatus
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, line

ORDER = ("config", "init", "download", "weights", "compile", "memory", "graphs", "ready")
EXPECTED = ("weights", "memory", "graphs")
LABEL_CELLS = 23


@dataclass(frozen=True, slots=True)
class PhaseBar:
    """A phase on the time axis; `length_s` is None where it has not begun."""

    name: str
    begin_s: float
    length_s: float | None
    running: bool


def phase_bars(server: ServerStatus, now: datetime) -> list[PhaseBar]:
    """The phases that occurred, in order, then those still to be expected."""
    bars: list[PhaseBar] = []
    begin = 0.0
    elapsed = (now - server.started_at).total_seconds() if server.started_at else None
    for phase in server.phases:
        running = phase.seconds is None
        so_far = max(0.0, elapsed - begin) if elapsed is not None else 0.0
        length = so_far if phase.seconds is None else phase.seconds
        bars.append(PhaseBar(phase.name, begin, length, running))
        begin += length
    last = ORDER.index(bars[-1].name) if bars and bars[-1].name in ORDER else -1
    eager = "--enforce-eager" in server.command
    for name in EXPECTED:
        if ORDER.index(name) > last and not (eager and name == "graphs"):
            bars.append(PhaseBar(name, begin, None, False))
    return bars


def timeline(server: ServerStatus, now: datetime, width: int, glyphs: Glyphs) -> list[Line]:
    """A row per phase; the axis reaches to the expected end, so that the blank part is the ETA."""
    bars = phase_bars(server, now)
    elapsed = sum(bar.length_s or 0.0 for bar in bars)
    total = max(elapsed + (server.eta_s or 0.0), 1.0)
    room = max(10, width - LABEL_CELLS)
    return [_row(bar, total, room, server.progress, glyphs) for bar in bars]


def _row(bar: PhaseBar, total: float, room: int, progress: float | None, glyphs: Glyphs) -> Line:
    if bar.length_s is None:
        return line((f"{glyphs.pending} {bar.name}", Role.FAINT))
    mark, role = (glyphs.half, Role.WARN) if bar.running else (glyphs.tick, Role.GOOD)
    text = Role.STRONG if bar.running else Role.TEXT
    head = line(
        (f"{mark} ", role),
        (f"{bar.name:<10}", text),
        (f"{figures.seconds(bar.length_s):>8}   ", Role.DIM),
    )
    note = f" {figures.percent(progress)}" if bar.running and progress is not None else ""
    start = round(bar.begin_s / total * room)
    length = max(1, round((bar.begin_s + bar.length_s) / total * room) - start)
    length = min(length, max(1, room - start - len(note)))
    drawn = Role.ACCENT if bar.running else Role.SECOND
    return line(head, " " * start, (glyphs.full * length, drawn), (note, Role.STRONG))
