"""A job in two rows: its name and count, then how far it is and when it may be done."""

from __future__ import annotations

from vconsole.supervisor.model import Job
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.graph import bar
from vconsole.tui.drawing.text import Line, Role, cells, line, spread

SHOWN = frozenset({"queued", "running", "waiting", "pausing", "paused"})


def is_shown(job: Job) -> bool:
    """Whether it is still to be done."""
    return job.state in SHOWN


def job_rows(job: Job, width: int, glyphs: Glyphs) -> list[Line]:
    """Name, done and total; then a bar, the share, and the time left or why it does not run."""
    role = Role.ACCENT if job.state == "running" else Role.DIM
    counted = f" {figures.count(job.done)} of {figures.count(job.total)}"
    failed = line((f"  {figures.count(job.failed)} failed", Role.BAD)) if job.failed else ()
    head = spread(
        line((f"{glyphs.running} ", role), job.title or job.id, failed),
        line((counted, Role.DIM)),
        width,
    )
    share = job.done / job.total if job.total else None
    left = figures.span(job.eta_s) if job.state == "running" else job.state
    tail = line(f" {figures.percent(share)}", (f"  {left}", Role.DIM))
    track = bar(share, max(4, width - 2 - cells(tail)), glyphs, role)
    return [head, line("  ", track, tail)]
