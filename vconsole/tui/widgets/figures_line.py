"""The figures of one answer, on one line."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.model import AskEvent
from vconsole.tui import figures
from vconsole.tui.exchange import Exchange
from vconsole.tui.text import Line, Role, line
from vconsole.tui.widgets.canvas import Canvas

REASONS = {"stop": "finished", "length": "cut at the length given", "abort": "aborted"}


class FiguresLine(Canvas):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.exchange: Exchange | None = None

    def show_exchange(self, exchange: Exchange | None) -> None:
        self.exchange = exchange
        self.redraw()

    def rows(self, width: int, height: int) -> Sequence[Line]:
        exchange = self.exchange
        if exchange is None:
            return ()
        if exchange.running:
            mark = (f" {self.glyphs.half} ", Role.WARN)
            return (
                line(mark, ("answering", Role.DIM), ("   esc", Role.KEY), (" stops it", Role.DIM)),
            )
        if exchange.stopped:
            return (line((f" {self.glyphs.cross} ", Role.WARN), ("stopped", Role.DIM)),)
        end = exchange.end
        if end is None or end.error is not None:
            return (line((f" {self.glyphs.cross} ", Role.BAD), ("not answered", Role.DIM)),)
        return (self._figures(end),)

    def _figures(self, end: AskEvent) -> Line:
        pairs = [
            ("TTFT", figures.latency(end.ttft_ms)),
            ("tok/s", figures.rate(end.tokens_per_s)),
            ("tokens", figures.count(end.completion_tokens)),
            ("prompt", figures.count(end.prompt_tokens)),
            ("total", figures.latency(end.total_ms)),
        ]
        shown = [line((f"{name} ", Role.DIM), (value, Role.STRONG), "   ") for name, value in pairs]
        reason = REASONS.get(end.finish_reason or "", end.finish_reason or figures.UNKNOWN)
        role = Role.WARN if end.finish_reason == "length" else Role.DIM
        return line((f" {self.glyphs.tick} ", Role.GOOD), *shown, (reason, role))
