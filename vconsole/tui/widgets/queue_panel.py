"""Requests running and waiting, and how full the KV cache is, with ten minutes of history."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.engine.metrics.figures import Metrics
from vconsole.supervisor.advice.limits import KV_NEARLY_FULL
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, Span, line
from vconsole.tui.widgets.series_panel import Series, SeriesPanel

WITH_ROOM = 60


class QueuePanel(SeriesPanel):
    label_cells = 16

    def heading(self) -> tuple[Line, Line]:
        return line(("Queue and cache", Role.STRONG)), line(
            (figures.window(self.window_s), Role.DIM)
        )

    def series(self) -> Sequence[Series]:
        metrics = self.view.status.metrics if self.view and self.view.status else None
        running = metrics.requests_running if metrics else None
        waiting = metrics.requests_waiting if metrics else None
        usage = metrics.kv_cache_usage if metrics else None
        tokens = metrics.kv_cache_tokens if metrics else None
        full = usage is not None and usage >= KV_NEARLY_FULL
        waiting_role = Role.WARN if waiting else Role.ACCENT
        return (
            Series("requests_running", "running ", _figure(figures.count(running)), 4),
            Series(
                "requests_waiting",
                "waiting ",
                _figure(figures.count(waiting)),
                4,
                role=waiting_role,
            ),
            Series(
                "kv_cache_usage",
                "KV cache",
                _figure(figures.percent(usage), Role.WARN_STRONG if full else Role.STRONG),
                top=1.0,
                role=Role.WARN if full else Role.ACCENT,
                scale="100 %",
                after=line((f"{figures.compact(tokens):>6}", Role.DIM)),
            ),
        )

    def footing(self) -> Sequence[Line]:
        metrics = self.view.status.metrics if self.view and self.view.status else None
        hits = metrics.prefix_cache_hit_rate if metrics else None
        preempted = metrics.preemptions if metrics else None
        role = Role.WARN if preempted else Role.TEXT
        with_room = self.size.width >= WITH_ROOM
        return (
            line(
                ("prefix   ", Role.DIM),
                f"{figures.percent(hits):>5}",
                (" hits", Role.DIM),
                ("    preempted ", Role.DIM),
                (figures.count(preempted), role),
                *(_more(metrics) if metrics and with_room else ()),
            ),
        )


def _more(metrics: Metrics) -> list[Span]:
    """What only some servers have: requests put off, accepted drafts of a speculative decoder."""
    spans: list[Span] = []
    if deferred := metrics.waiting_by_reason.get("deferred"):
        spans += [("    deferred ", Role.DIM), (figures.count(deferred), Role.TEXT)]
    if metrics.spec_acceptance is not None:
        accepted = figures.percent(metrics.spec_acceptance)
        spans += [("    drafts ", Role.DIM), (accepted, Role.TEXT)]
    return spans


def _figure(text: str, role: Role = Role.STRONG) -> Line:
    return line((f"{text:>6}", role))
