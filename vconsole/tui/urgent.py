"""What cannot wait, for the band above the first panel: a line each, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator

from vconsole.supervisor.model import ForeignServer, ServerState, ServerStatus, StrayProcess
from vconsole.tui import figures
from vconsole.tui.glyphs import Glyphs
from vconsole.tui.looks import STATES
from vconsole.tui.text import Line, Role, line
from vconsole.tui.view import View

TROUBLED = frozenset({ServerState.FAILED, ServerState.STALLED, ServerState.BACKOFF})


def urgent(view: View, glyphs: Glyphs) -> list[Line]:
    """Empty most of the time. A server of others is urgent only where none of ours serves."""
    lines = [line(" ", each) for each in _stale(view, glyphs)]
    if view.status is None:
        return lines
    lines += [line(" ", each) for each in _warnings(view, glyphs)]
    troubled = (other for other in view.others if other.state in TROUBLED)
    lines += [_troubled(other, glyphs) for other in troubled]
    lines += [_stray(stray, glyphs) for stray in view.status.strays]
    if not view.serving:
        lines += [_foreign(foreign, glyphs) for foreign in view.status.foreign]
    return lines


def _stale(view: View, glyphs: Glyphs) -> Iterator[Line]:
    if view.stale_s is not None:
        yield line(
            (f"{glyphs.warning} No supervisor for {figures.age(view.stale_s)}", Role.WARN_STRONG),
            (": all this is its last word.  ", Role.TEXT),
            ("c", Role.KEY),
            (" brings it back", Role.DIM),
        )


def _warnings(view: View, glyphs: Glyphs) -> Iterator[Line]:
    for warning in view.server.warnings if view.server else ():
        yield line((f"{glyphs.warning} ", Role.WARN), warning)


def _troubled(server: ServerStatus, glyphs: Glyphs) -> Line:
    look, failure = STATES[server.state], server.last_failure
    why = f"  {failure.message}" if failure and server.state is not ServerState.STALLED else ""
    return line(
        (f" {look.symbol(glyphs)} {server.name} {look.word}", look.role),
        ("  n", Role.KEY),
        (" looks at it", Role.DIM),
        why,
    )


def _stray(stray: StrayProcess, glyphs: Glyphs) -> Line:
    held = figures.gib(stray.gpu_memory_bytes or stray.memory_bytes)
    return line(
        (f" {glyphs.warning} ", Role.WARN),
        f"{stray.name} of {stray.user} (pid {stray.pid}) serves nobody and holds {held} GiB",
        ("   a", Role.KEY),
        (" shows it", Role.DIM),
    )


def _foreign(foreign: ForeignServer, glyphs: Glyphs) -> Line:
    return line(
        (f" {glyphs.ring} ", Role.DIM),
        f"{foreign.user} serves {foreign.model or 'a model'} on :{foreign.port}, not by vconsole",
        ("   a", Role.KEY),
        (" shows it", Role.DIM),
    )
