"""The figures of one answer, on one line: while it comes by our clock, then by the server."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.model import AskEvent
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.requests.exchange import Column
from vconsole.tui.widgets.canvas import Canvas

REASONS = {
    "stop": "finished",
    "length": "cut at the length given",
    "abort": "aborted",
    "tool_calls": "calls tools",
}


class FiguresLine(Canvas):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.column: Column | None = None
        self.of = 1

    def show_column(self, column: Column | None, of: int) -> None:
        self.column, self.of = column, of
        self.redraw()

    def rows(self, width: int, height: int) -> Sequence[Line]:
        column = self.column
        if column is None:
            return ()
        others = line("   ", ("f6", Role.KEY), (" next", Role.DIM)) if self.of > 1 else ()
        if column.running:
            return (line(self._coming(column), others),)
        if column.stopped:
            came = f"stopped after {figures.plural(column.pieces, 'piece')}"
            mark = (f" {self.glyphs.cross} ", Role.WARN)
            return (line(mark, ("stopped" if not column.pieces else came, Role.DIM), others),)
        end = column.end
        if end is None or end.error is not None:
            mark = (f" {self.glyphs.cross} ", Role.BAD)
            return (line(mark, ("not answered", Role.DIM), others),)
        return (line(self._figures(end, column.finish_reason, width), others),)

    def _coming(self, column: Column) -> Line:
        mark = (f" {self.glyphs.half} ", Role.WARN)
        stops = line(("   esc", Role.KEY), (" stops it", Role.DIM))
        if column.first_s is None or column.last_s is None:
            return line(mark, ("answering", Role.DIM), stops)
        took_s = column.last_s - column.first_s
        rate = (column.pieces - 1) / took_s if took_s > 0 else None
        pairs = [
            ("TTFT", figures.latency((column.first_s - column.sent_s) * 1000)),
            ("pieces/s", figures.rate(rate)),
            ("pieces", figures.count(column.pieces)),
        ]
        return line(mark, ("answering   ", Role.DIM), *_shown(pairs), stops)

    def _figures(self, end: AskEvent, finish_reason: str | None, width: int) -> Line:
        cached = f" ({figures.count(end.cached_tokens)} cached)" if end.cached_tokens else ""
        pairs = [
            ("TTFT", figures.latency(end.ttft_ms)),
            ("ITL", figures.latency(end.itl_ms)),
            ("tok/s", figures.rate(end.tokens_per_s)),
            ("tokens", figures.count(end.completion_tokens)),
            ("prompt", figures.count(end.prompt_tokens) + cached),
        ]
        if width >= WIDE:
            pairs.insert(2, ("p95", figures.latency(end.itl_p95_ms)))
            pairs.append(("total", figures.latency(end.total_ms)))
        reason = REASONS.get(finish_reason or "", finish_reason or figures.UNKNOWN)
        role = Role.WARN if finish_reason == "length" else Role.DIM
        return line((f" {self.glyphs.tick} ", Role.GOOD), *_shown(pairs), (reason, role))


WIDE = 95


def _shown(pairs: Sequence[tuple[str, str]]) -> list[Line]:
    return [line((f"{name} ", Role.DIM), (value, Role.STRONG), "   ") for name, value in pairs]
