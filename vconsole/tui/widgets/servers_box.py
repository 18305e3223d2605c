"""All vLLM servers of this machine: ours to choose from, those of others and strays to see."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.model import ForeignServer, ServerStatus, SleeperStatus, StrayProcess
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import STATES
from vconsole.tui.drawing.text import Line, Role, fit, line, spread
from vconsole.tui.view import View, address, model_name
from vconsole.tui.widgets.panel import Panel

NAME_CELLS = 14
STATE_CELLS = 11
ADDRESS_CELLS = 18


class ServersBox(Panel):
    """`chosen` is a position in the view's servers."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view
        self.chosen = view.place - 1

    def heading(self) -> tuple[Line, Line]:
        note = line(("enter", Role.KEY), (" looks at it  ", Role.DIM), ("esc", Role.KEY))
        return line(("Servers", Role.STRONG)), line(note, (" closes", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        rows = self.lines(width)
        top = max(0, min(self.chosen + 2 - height, len(rows) - height))
        return rows[top:]

    def lines(self, width: int) -> list[Line]:
        view = self.view
        if view is None or view.status is None:
            return []
        rows = [self._own(i, server, width) for i, server in enumerate(view.servers)]
        for server in view.servers:
            rows += [self._asleep(server, one, width) for one in server.sleepers]
        if view.status.foreign:
            rows += [(), line(("Not ours, and never touched", Role.ACCENT))]
            for foreign in view.status.foreign:
                rows += self._foreign(foreign, width)
        if view.status.strays:
            rows += [(), line(("Strays: engines without a server", Role.ACCENT))]
            rows += [self._stray(stray, width) for stray in view.status.strays]
        return rows

    def _own(self, position: int, server: ServerStatus, width: int) -> Line:
        look, here = STATES[server.state], position == self.chosen
        left = line(
            (f"{self.glyphs.arrow if here else ' '} ", Role.ACCENT),
            fit(line((server.name, Role.STRONG if here else Role.TEXT)), NAME_CELLS),
            (f"{look.symbol(self.glyphs)} {look.word:<{STATE_CELLS - 2}}", look.role),
            f"  {model_name(server) or figures.UNKNOWN}",
        )
        return spread(left, line((f"  {address(server) or ''}", Role.DIM)), width)

    def _asleep(self, server: ServerStatus, sleeper: SleeperStatus, width: int) -> Line:
        look = STATES[sleeper.state]
        left = line(
            ("  ", Role.TEXT),
            fit(line((server.name, Role.DIM)), NAME_CELLS),
            (f"{look.symbol(self.glyphs)} {look.word:<{STATE_CELLS - 2}}", look.role),
            f"  {sleeper.served_name}",
        )
        right = f"  pid {sleeper.pid}  {figures.gib(sleeper.memory_bytes)} GiB of memory"
        return spread(left, line((right, Role.DIM)), width)

    def _foreign(self, foreign: ForeignServer, width: int) -> list[Line]:
        held = foreign.gpu_memory_bytes or foreign.memory_bytes
        left = line(
            (f"  :{foreign.port:<{NAME_CELLS - 1}}", Role.TEXT),
            f"{foreign.model or 'model unknown'}",
        )
        right = f"  {foreign.user}  pid {foreign.pid}  {figures.gib(held)} GiB"
        adopt = f"    vconsole adopt {foreign.pid}  takes it over"
        return [spread(left, line((right, Role.DIM)), width), line((adopt, Role.FAINT))]

    def _stray(self, stray: StrayProcess, width: int) -> Line:
        held = stray.gpu_memory_bytes or stray.memory_bytes
        right = f"  {stray.user}  pid {stray.pid}  {figures.gib(held)} GiB"
        left = line((f"  {self.glyphs.warning} ", Role.WARN), stray.name)
        return spread(left, line((right, Role.DIM)), width)

    def move(self, step: int) -> None:
        count = len(self.view.servers) if self.view else 1
        self.chosen = (self.chosen + step) % count
        self.redraw()

    def on_mount(self) -> None:
        self.styles.height = min(len(self.lines(72)) + 2, self.app.size.height - 2)
