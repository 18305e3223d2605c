"""Beside the doctor: Ollama and its ladder, the engine, the unit, and who is on the cards."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.host.readings import Gpu
from vconsole.supervisor.ollama.model import OllamaReport
from vconsole.tui.actions import key_for
from vconsole.tui.background.hosting import HostLook
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, wrapped
from vconsole.tui.widgets.chore_rows import chore_rows
from vconsole.tui.widgets.panel import Panel

KEYS = {
    "unload": "host.unload",
    "stop": "host.ollama-stop",
    "disable": "host.disable",
    "block": "host.block",
    "end": "host.end",
    "restore": "host.restore",
    "equivalents": "host.equivalents",
}
# From so many rows on there is room for a row a rung.
TALL = 14
CHORE_ROWS = 3


class HostPanel(Panel):
    """`refused` is the command that an administrator would type, until it has been run."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look: HostLook | None = None
        self.refused: str | None = None

    def show_look(self, look: HostLook) -> None:
        self.look = look
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        return line(("This host", Role.STRONG)), ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.look is None:
            return ()
        is_tall = height >= TALL
        rows = chore_rows(self.look.chore, width, TALL if is_tall else CHORE_ROWS, self.glyphs)
        rows += self._ollama(self.look.ollama, width, is_tall)
        rows += [*self._engine(self.look), self._supervisor(self.look)]
        status = self.view.status if self.view else None
        rows += self._sleepers()
        for gpu in status.gpus if status else ():
            rows += self._processes(gpu)
        return rows

    def _ollama(self, report: OllamaReport | None, width: int, is_tall: bool) -> list[Line]:
        if report is None:
            return [line(("Ollama: not known", Role.DIM))]
        rungs = {rung.name: rung.detail or "" for rung in report.next_rungs}
        if report.taken and not report.taken.waits:
            rungs["restore"] = f"gives back what was taken ({report.taken.rung})"
        if report.running:
            rungs["equivalents"] = "what vLLM would serve in the place of its models"
        rows = [self._ollama_state(report), *self._rungs(rungs, is_tall)]
        if self.refused:
            rows += wrapped("An administrator has to run this; it is noticed:", width, Role.WARN)
            rows += wrapped(self.refused, width, Role.ACCENT)
        return rows

    def _rungs(self, rungs: dict[str, str], is_tall: bool) -> list[Line]:
        """Each with what it changes where there is room, else side by side."""
        items = [line((f"  {self._key(name)} ", Role.KEY), name) for name in rungs]
        if not is_tall:
            return [line(*items)] if items else []
        return [
            line(item, (f"  {words}", Role.DIM))
            for item, words in zip(items, rungs.values(), strict=True)
        ]

    def _ollama_state(self, report: OllamaReport) -> Line:
        if not report.running:
            more = ", and blocked until it is restored" if report.blocked else ""
            return line((f"Ollama does not run{more}", Role.TEXT))
        held = f"{figures.gib(report.gpu_bytes)} GiB of GPU memory" if report.gpu_bytes else "idle"
        role = Role.WARN if report.gpu_bytes else Role.TEXT
        models = ", ".join(model.name for model in report.models)
        words = f": {models}" if models else ""
        since = min((one.since_at for one in report.models if one.since_at), default=None)
        when = f" since {figures.clock(since)}" if since else ""
        return line(
            *(("Ollama ", Role.STRONG), (f"{held}{words}{when}", role), f"  {report.owner or ''}")
        )

    def _engine(self, look: HostLook) -> list[Line]:
        if not look.engine:
            return []
        row = line(("Engine ", Role.STRONG), look.engine, self._item("host.upgrade", "newer one"))
        if look.previous:
            row = line(row, self._item("host.rollback", f"back to {look.previous}"))
        return [row]

    def _sleepers(self) -> list[Line]:
        return [
            line(
                ("Asleep ", Role.STRONG),
                f"{sleeper.served_name}  ",
                (f"{figures.gib(sleeper.memory_bytes)} GiB of memory, ", Role.DIM),
                (f"pid {sleeper.pid}, {server.name}", Role.DIM),
            )
            for server in (self.view.servers if self.view else ())
            for sleeper in server.sleepers
        ]

    def _supervisor(self, look: HostLook) -> Line:
        words = (look.unit, Role.DIM)
        return line(("Supervisor ", Role.STRONG), words, self._item("host.service", "its service"))

    def _item(self, action: str, words: str) -> Line:
        key = key_for(self.view, action) if self.view else ""
        return line((f"   {key}", Role.KEY), (f" {words}", Role.DIM))

    def _processes(self, gpu: Gpu) -> list[Line]:
        rows: list[Line] = []
        for process in gpu.processes:
            role = Role.TEXT if process.owner == "ours" else Role.WARN
            size = figures.gib(process.memory_bytes)
            words = f"{size:>5} GiB  {process.owner:<8}{process.name or '?'}"
            more = f"  pid {process.pid}, {process.user or '?'}"
            rows.append(line((f"GPU {gpu.index} ", Role.STRONG), (words, role), (more, Role.DIM)))
        return rows

    def _key(self, verb: str) -> str:
        return key_for(self.view, KEYS[verb]) if self.view else ""
