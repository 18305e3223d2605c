"""What cannot wait, for the band above the first panel: a line each, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator

from vconsole.supervisor.model import ForeignServer, ServerState, ServerStatus, StrayProcess
from vconsole.supervisor.telling.levels import TITLES
from vconsole.tui.actions import key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.looks import STATES
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.view import View

FAST = "fast"
WORTH_TELLING_BYTES = 256 << 20
DOWN = frozenset({ServerState.STOPPED, ServerState.FAILED, ServerState.BACKOFF, None})
TROUBLED = frozenset({ServerState.FAILED, ServerState.STALLED, ServerState.BACKOFF})


def urgent(view: View, glyphs: Glyphs) -> list[Line]:
    """Empty most of the time. A server of others is urgent only where none of ours serves."""
    lines = [line(" ", each) for each in _stale(view, glyphs)]
    if view.status is None:
        return lines
    lines += [line(" ", each) for each in _warnings(view, glyphs)]
    troubled = (other for other in view.others if other.state in TROUBLED)
    lines += [_troubled(other, key_for(view, "server.next"), glyphs) for other in troubled]
    lines += [line(" ", each) for each in _burning(view, glyphs)]
    choose = key_for(view, "server.choose")
    lines += [_stray(stray, choose, glyphs) for stray in view.status.strays]
    if not view.serving:
        lines += [_foreign(foreign, choose, glyphs) for foreign in view.status.foreign]
    lines += [line(" ", each) for each in _ollama(view, glyphs)]
    lines += [line(" ", each) for each in _logout(view, glyphs)]
    return lines


def _ollama(view: View, glyphs: Glyphs) -> Iterator[Line]:
    """Memory of the card that the next start could have; with a server up it holds that back."""
    held = view.status.ollama.gpu_bytes if view.status else None
    if held and held >= WORTH_TELLING_BYTES:
        missing = min(held, _missing_bytes(view))
        needed = f"; the next start needs {figures.gib(missing)} of them" if missing else ""
        yield line(
            (f"{glyphs.warning} ", Role.WARN),
            f"Ollama holds {figures.gib(held)} GiB{needed or ' of the card'}.  ",
            (key_for(view, "screen.host") if view.keymap else "o", Role.KEY),
            (" makes room" if needed else " shows how it makes room", Role.DIM),
        )


def _missing_bytes(view: View) -> int:
    """What the emptiest card lacks for the model that ran last; 0 while one runs, or unknown."""
    server, gpus = view.server, view.status.gpus if view.status else ()
    free = [gpu.memory_free_bytes for gpu in gpus if gpu.memory_free_bytes is not None]
    least = server.plan.least_bytes if server and server.plan else None
    if least is None or not free or view.state not in DOWN:
        return 0
    return max(0, least - max(free))


def _burning(view: View, glyphs: Glyphs) -> Iterator[Line]:
    """A budget of a month that would be gone in two to five days."""
    for level in view.status.levels if view.status else ():
        if level.alarm == FAST:
            times = figures.count(level.burn.get("1h"))
            yield line(
                (f"{glyphs.warning} ", Role.WARN),
                f"{TITLES[level.name]}: the budget burns {times} times too fast.  ",
                ("vconsole report", Role.KEY),
                (" says more", Role.DIM),
            )


def _logout(view: View, glyphs: Glyphs) -> Iterator[Line]:
    """Last, for it can wait; but who serves should know before the line is closed."""
    if view.serving and view.survival_note:
        yield line(
            (f"{glyphs.warning} ", Role.WARN),
            "Your logout ends this server.  ",
            (key_for(view, "console.help"), Role.KEY),
            (" says how it lives on", Role.DIM),
        )


def _stale(view: View, glyphs: Glyphs) -> Iterator[Line]:
    if view.stale_s is not None:
        yield line(
            (f"{glyphs.warning} No supervisor for {figures.age(view.stale_s)}", Role.WARN_STRONG),
            (": all this is its last word.  ", Role.TEXT),
            (key_for(view, "server.connect"), Role.KEY),
            (" brings it back", Role.DIM),
        )


def _warnings(view: View, glyphs: Glyphs) -> Iterator[Line]:
    for warning in view.server.warnings if view.server else ():
        yield line((f"{glyphs.warning} ", Role.WARN), warning)


def _troubled(server: ServerStatus, key: str, glyphs: Glyphs) -> Line:
    look, failure = STATES[server.state], server.last_failure
    why = f"  {failure.message}" if failure and server.state is not ServerState.STALLED else ""
    return line(
        (f" {look.symbol(glyphs)} {server.name} {look.word}", look.role),
        (f"  {key}", Role.KEY),
        (" looks at it", Role.DIM),
        why,
    )


def _stray(stray: StrayProcess, key: str, glyphs: Glyphs) -> Line:
    held = figures.gib(stray.gpu_memory_bytes or stray.memory_bytes)
    return line(
        (f" {glyphs.warning} ", Role.WARN),
        f"{stray.name} of {stray.user} (pid {stray.pid}) serves nobody and holds {held} GiB",
        (f"   {key}", Role.KEY),
        (" shows it", Role.DIM),
    )


def _foreign(foreign: ForeignServer, key: str, glyphs: Glyphs) -> Line:
    return line(
        (f" {glyphs.ring} ", Role.DIM),
        f"{foreign.user} serves {foreign.model or 'a model'} on :{foreign.port}, not by vconsole",
        (f"   {key}", Role.KEY),
        (" shows it", Role.DIM),
    )
