"""How states look: a word, a symbol and a colour together, so that none is needed alone."""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.engine.log.logline import LogLevel, LogLine
from vconsole.models.fit.plan import Verdict
from vconsole.supervisor.model import ServerState
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, fit, line
from vconsole.tui.view import Link, View


@dataclass(frozen=True, slots=True)
class Look:
    """`glyph` names an attribute of `Glyphs`."""

    word: str
    glyph: str
    role: Role

    def symbol(self, glyphs: Glyphs) -> str:
        return str(getattr(glyphs, self.glyph))


STATES = {
    ServerState.STOPPED: Look("STOPPED", "ring", Role.DIM),
    ServerState.STARTING: Look("STARTING", "half", Role.WARN_STRONG),
    ServerState.READY: Look("READY", "dot", Role.GOOD_STRONG),
    ServerState.STALLED: Look("STALLED", "warning", Role.WARN_STRONG),
    ServerState.STOPPING: Look("STOPPING", "half", Role.WARN_STRONG),
    ServerState.BACKOFF: Look("BACKOFF", "half", Role.WARN_STRONG),
    ServerState.FAILED: Look("FAILED", "cross", Role.BAD_STRONG),
    ServerState.ASLEEP: Look("ASLEEP", "ring", Role.WARN_STRONG),
}
VERDICTS = {
    Verdict.FITS: Look("fits", "tick", Role.GOOD),
    Verdict.TIGHT: Look("tight", "warning", Role.WARN),
    Verdict.TOO_BIG: Look("too big", "cross", Role.BAD),
    Verdict.UNKNOWN: Look("unknown", "unknown", Role.DIM),
}
CONNECTING = Look("CONNECTING", "ring", Role.DIM)
NO_SUPERVISOR = Look("NO SUPERVISOR", "cross", Role.BAD_STRONG)
LEVELS = {
    LogLevel.DEBUG: Look("DEBUG", "between", Role.FAINT),
    LogLevel.INFO: Look("INFO", "between", Role.DIM),
    LogLevel.WARNING: Look("WARN", "warning", Role.WARN),
    LogLevel.ERROR: Look("ERROR", "cross", Role.BAD),
    LogLevel.CRITICAL: Look("FATAL", "cross", Role.BAD_STRONG),
}
PROCESSES = {"APIServer": "api", "EngineCore": "core", "Worker": "work", "VllmWorker": "work"}
WIDE_GUTTER = 100


def look_of(view: View) -> Look:
    """The one state that the state line names."""
    if view.link is Link.LOST and view.status is None:
        return NO_SUPERVISOR
    if view.state is None:
        return CONNECTING
    return STATES[view.state]


def log_gutter(entry: LogLine, width: int, glyphs: Glyphs) -> Line:
    """Time, level and process: 17 cells, or 27 where the line is wide."""
    at = figures.clock_seconds(entry.at) if entry.at else " " * 8
    look = LEVELS.get(entry.level) if entry.level else None
    role = look.role if look else Role.FAINT
    if width >= WIDE_GUTTER:
        word = look.word if look else ""
        process = fit(((entry.process or "", Role.DIM),), 10, glyphs.ellipsis)
        return line((f"{at} ", Role.FAINT), (f"{word:<5} ", role), process, "  ")
    symbol = look.symbol(glyphs) if look else " "
    process = fit(((_short(entry.process), Role.FAINT),), 5, glyphs.ellipsis)
    return line((f"{at} ", Role.FAINT), (f"{symbol} ", role), process, " ")


def _short(process: str | None) -> str:
    """`EngineCore_DP0` is `core0`."""
    name, _, rest = (process or "").partition("_")
    digits = "".join(character for character in rest if character.isdigit())
    return PROCESSES.get(name, name) + digits


def message_role(entry: LogLine) -> Role:
    if entry.level is None or entry.level <= LogLevel.DEBUG:
        return Role.DIM
    if entry.level >= LogLevel.ERROR:
        return Role.BAD
    return Role.TEXT


def log_line(entry: LogLine, width: int, glyphs: Glyphs, folded: int = 0) -> Line:
    """A log line in one row: gutter and the message's first line, with a count of the others.

    `folded` is how many lines of the file are folded away under it.
    """
    first, *others = entry.message.split("\n")
    hidden = len(others) + folded
    more = f" {glyphs.returns} {figures.plural(hidden, 'more line')}" if hidden else ""
    return line(log_gutter(entry, width, glyphs), (first, message_role(entry)), (more, Role.DIM))
