"""The first row of every screen: state, model, address, uptime; at the right the host and time."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.model import ServerState
from vconsole.tui.actions import key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import look_of
from vconsole.tui.drawing.text import Line, Role, cells, fit, line, spread
from vconsole.tui.view import View, address
from vconsole.tui.widgets.canvas import Canvas

WIDE = 100


class StateLine(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        view = self.view
        if view is None:
            return ()
        look = look_of(view)
        role = Role.DIM if view.stale_s is not None else look.role
        facts = [line((f" {look.symbol(self.glyphs)} {look.word}", role))]
        facts += [line(fact) for fact in self._facts(view, width)]
        right = line((f"  {view.hostname}", Role.DIM), f" {figures.clock(view.now)} ")
        left = _join(facts, "  ")
        if cells(left) + cells(right) > width:
            right = line(f" {figures.clock(view.now)} ")
        return (spread(fit(left, width - cells(right), self.glyphs.ellipsis), right, width),)

    def _facts(self, view: View, width: int) -> list[Line]:
        server = view.server
        if server is None:
            return []
        facts: list[Line] = []
        if view.others:
            place = f" {view.place}/{len(view.servers)}"
            facts.append(line((server.name, Role.ACCENT), (place, Role.DIM)))
        if view.model:
            facts.append(line((view.model, Role.STRONG)))
        if view.stale_s is not None:
            facts.append(line((f"as of {figures.age(view.stale_s)} ago", Role.WARN)))
        if view.serving:
            facts += [line(fact) for fact in (address(server),) if fact]
            if server.uptime_s is not None:
                facts.append(line((f"up {figures.span(server.uptime_s)}", Role.DIM)))
        if server.restarts and width >= WIDE:
            facts.append(line((figures.plural(server.restarts, "restart"), Role.WARN)))
        if server.state is ServerState.STARTING:
            facts += self._start(view)
        if server.state is ServerState.FAILED and server.last_failure:
            facts.append(line(server.last_failure.cause.replace("_", " ")))
        if view.paused:
            facts.append(
                line(
                    ("PAUSED", Role.WARN_STRONG),
                    (f" {key_for(view, 'overview.pause')} goes on", Role.DIM),
                )
            )
        if view.readonly:
            facts.append(line(("read-only", Role.WARN)))
        return facts

    def _start(self, view: View) -> list[Line]:
        server = view.server
        if server is None or server.phase is None:
            return []
        share = f" {figures.percent(server.progress)}" if server.progress is not None else ""
        facts = [line(f"{server.phase}{share}")]
        if server.eta_s is not None:
            facts.append(line((f"about {figures.about(server.eta_s)} left", Role.DIM)))
        return facts


def _join(parts: Sequence[Line], between: str) -> Line:
    return line(*(line(*((between,) if i else ()), part) for i, part in enumerate(parts)))
