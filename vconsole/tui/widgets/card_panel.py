"""The card that stands first when no figures of a running server are to be shown.

It says in words what is so: connecting, no supervisor, nothing runs, starting, failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vconsole.supervisor.model import ServerState, Status
from vconsole.tui.actions import key_now
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, sentence, wrapped
from vconsole.tui.rows.plan_line import plan_line
from vconsole.tui.rows.start_up import timeline
from vconsole.tui.view import Link, View
from vconsole.tui.widgets.panel import Panel

# The card's borders, the state line, the hint and the key bar.
AROUND_CARD = 2 + 1 + 2 + 2
Draw = Callable[[View, Status, int], list[Line]]


class CardPanel(Panel):
    def heading(self) -> tuple[Line, Line]:
        view = self.view
        if view is None or view.status is None:
            return (), ()
        server = view.status.server
        if server.state is ServerState.STARTING:
            return line(("Start-up", Role.STRONG)), self._eta(view.status)
        if server.state is ServerState.FAILED:
            return line(("Why", Role.STRONG)), ()
        if server.state is ServerState.BACKOFF:
            return line(("Waiting before the next try", Role.STRONG)), ()
        return line(("No server runs", Role.STRONG)), ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        return self.lines(width)

    def wanted_height(self, width: int) -> int:
        return len(self.lines(width - 4)) + 2

    def lines(self, width: int) -> list[Line]:
        view = self.view
        if view is None:
            return []
        if view.status is None:
            return self._unreachable(view, width)
        draw: dict[ServerState, Draw] = {
            ServerState.STARTING: self._starting,
            ServerState.FAILED: self._failed,
            ServerState.BACKOFF: self._failed,
        }
        return draw.get(view.status.server.state, self._stopped)(view, view.status, width)

    def _eta(self, status: Status) -> Line:
        server = status.server
        if server.eta_s is None:
            return line(("first start of this model here", Role.DIM))
        left = f"about {figures.about(server.eta_s)} left"
        known = f" (median of {figures.plural(server.eta_starts, 'start')})"
        return line((left, Role.TEXT), (known if server.eta_starts else "", Role.DIM))

    def _unreachable(self, view: View, width: int) -> list[Line]:
        if view.link is Link.CONNECTING or view.link_error is None:
            return [line(("Looking for the supervisor, which owns the server.", Role.DIM))]
        error = view.link_error
        rows = wrapped(f"{sentence(error.message)}", width)
        if error.remedy:
            rows += [(), *wrapped(sentence(error.remedy), width, Role.DIM)]
        return [*rows, (), self._key("c", "start the supervisor and try again")]

    def _stopped(self, view: View, status: Status, width: int) -> list[Line]:
        server = status.server
        rows: list[Line] = []
        if server.transitions:
            last = server.transitions[-1]
            what = f"{view.model or 'The server'} stopped at {figures.clock(last.at)}"
            rows += [*wrapped(f"{what}: {last.cause}.", width), ()]
        rows.append(self._engine(status))
        rows += [(), *self._first_keys(view, status)]
        if view.log_path:
            rows.append(self._key("6", "read the log of the last run"))
        return rows

    def _first_keys(self, view: View, status: Status) -> list[Line]:
        if status.engine is None:
            demo = line(
                ("vconsole demo", Role.STRONG), ("  the same, and a small model to try", Role.DIM)
            )
            install = line(("vconsole engine install", Role.STRONG), ("  brings one", Role.DIM))
            return [
                self._key("q", "leave, then run one of these:"),
                line("   ", install),
                line("   ", demo),
            ]
        return [self._key("s", f"start {view.model}" if view.model else "start a model")]

    def _engine(self, status: Status) -> Line:
        engine = status.engine
        if engine is None:
            return line("There is no vLLM on this machine that vconsole knows of.")
        return line(("Engine    ", Role.DIM), f"vLLM {engine.version} for {engine.device.upper()}")

    def _starting(self, view: View, status: Status, width: int) -> list[Line]:
        plan = status.server.plan
        ours = (one for one in status.operations if one.server == status.server.name)
        head = [line((one.swap_words, Role.STRONG)) for one in ours if one.swap_words]
        head += [plan_line(plan, self.glyphs)] if plan else []
        return [*head, *timeline(status.server, view.now, width, self.glyphs)]

    def _failed(self, view: View, status: Status, width: int) -> list[Line]:
        rows = self._next_try(view, status)
        if status.server.last_failure is None:
            return [*rows, *wrapped("The server ended, and nothing says why.", width)]
        from vconsole.tui.rows.failure_card import failure_rows

        room = max(0, self.app.size.height - AROUND_CARD - len(rows))
        return [*rows, *failure_rows(status.server, width, room, self.glyphs)]

    def _next_try(self, view: View, status: Status) -> list[Line]:
        """When the supervisor starts it again by itself."""
        at = status.server.next_start_at
        if at is None or status.server.state is not ServerState.BACKOFF:
            return []
        left = figures.about(max(0.0, (at - view.now).total_seconds()))
        restarts = figures.plural(status.server.restarts, "restart")
        return [line((f"Starts again in {left}", Role.STRONG), (f"   {restarts} so far", Role.DIM))]

    def _key(self, key: str, text: str) -> Line:
        """The built-in `key`, or what the settings have in its place."""
        shown = key_now(self.view, key) if self.view else key
        return line((f"{shown}  ", Role.KEY), text)


def _sentence(text: str) -> str:
    """The text with a capital and a full stop; errors are written without."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "`")) else text + "."
