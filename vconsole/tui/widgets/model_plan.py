"""The plan of the marked model: what would fill the card, flags with reasons, and facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from vconsole.models.fit.plan import Card, Plan, ProposedFlag
from vconsole.models.rows import TYPICAL_REQUEST_TOKENS, ModelRow
from vconsole.supervisor.model import Operation, OperationState
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.graph import bar, stacked_bar
from vconsole.tui.drawing.looks import VERDICTS
from vconsole.tui.drawing.text import Line, Role, line, wrapped
from vconsole.tui.widgets.model_facts import facts
from vconsole.tui.widgets.panel import Panel

WIDE_CELLS = 44
Part = tuple[str, float, str, Role]
WHY_NOTHING = {
    "no figures": "Too little is known of it for a plan: `vconsole models refresh` asks the Hub.",
    "no card": "No card to plan for is known yet.",
}


class ModelPlan(Panel, can_focus=True):
    """Shows one row of the listing; `pull` is its download, where there is one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k,pageup", "scroll(-5)", show=False),
        Binding("down,j,pagedown", "scroll(5)", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row: ModelRow | None = None
        self.card: Card | None = None
        self.pull: Operation | None = None
        self.top = 0

    def show_row(self, row: ModelRow | None, card: Card | None, pull: Operation | None) -> None:
        if row is None or self.row is None or row.name != self.row.name:
            self.top = 0
        self.row, self.card, self.pull = row, card, pull
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        if self.card is None:
            return line(("Plan", Role.STRONG)), ()
        free = f"{figures.gib(self.card.free_bytes)} of {figures.gib(self.card.total_bytes)}"
        free += " GiB free" if self.size.width >= WIDE_CELLS else ""
        name = self.card.name.removeprefix("NVIDIA ").removeprefix("GeForce ")
        return line(("Plan", Role.STRONG), (f"  {name}", Role.DIM)), line((free, Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        row = self.row
        if row is None:
            return [line(("No model is marked.", Role.DIM))]
        lines = [*_name(row.name, width), *self._pull(width), *self._verdict(row, width)]
        if row.plan is not None and self.card is not None and row.plan.weights_bytes is not None:
            lines += self._memory(row.plan, self.card, width)
        lines += self._figures(row, width)
        if row.plan is not None and row.plan.flags:
            lines += [(), line(("Flags", Role.ACCENT)), *self._flags(row.plan.flags, width)]
        lines += [(), *facts(row, width)]
        self.top = max(0, min(self.top, len(lines) - height))
        return lines[self.top :]

    def action_scroll(self, rows: int) -> None:
        self.top += rows
        self.redraw()

    def _pull(self, width: int) -> list[Line]:
        pull = self.pull
        if pull is None or pull.state is OperationState.DONE:
            return []
        if pull.error is not None:
            return wrapped(pull.error.message, width, Role.BAD)
        done, total = pull.done_bytes, pull.total_bytes
        if done is None or not total:
            return [line(("pull  ", Role.DIM), "asking the Hub")]
        share = done / total
        rate = pull.bytes_per_s
        speed = f"  {rate / 1e6:.0f} MB/s" if rate else ""
        left = f"  {figures.about((total - done) / rate)} left" if rate else ""
        return [
            bar(share, width, self.glyphs),
            line((f"pull {share * 100:.0f} %", Role.STRONG), (speed + left, Role.DIM)),
        ]

    def _verdict(self, row: ModelRow, width: int) -> list[Line]:
        look = VERDICTS[row.verdict]
        rows = [line((f"{look.symbol(self.glyphs)} {look.word}", look.role))]
        why = row.plan.why if row.plan is not None else (WHY_NOTHING["no card"],)
        if row.plan is not None and not why and row.plan.weights_bytes is None:
            why = (WHY_NOTHING["no figures"],)
        for sentence in (*why, *row.notes):
            rows += wrapped(sentence, width, Role.DIM)
        return rows

    def _parts(self, plan: Plan, card: Card) -> list[Part]:
        """What would lie on the card; the same letters and colours as on the overview."""
        glyphs = self.glyphs
        tenants = sum(tenant.memory_bytes for tenant in card.tenants)
        others = max(tenants, card.total_bytes - card.free_bytes)
        sizes = (plan.weights_bytes, plan.kv_cache_bytes, plan.overhead_bytes)
        weights, kv, overhead = (float(band.value) if band else 0.0 for band in sizes)
        return [
            ("weights", weights, glyphs.full, Role.ACCENT),
            ("KV", kv, glyphs.third, Role.ACCENT),
            ("vLLM", overhead, glyphs.full, Role.SECOND),
            ("others", float(others), glyphs.fourth, Role.WARN),
        ]

    def _memory(self, plan: Plan, card: Card, width: int) -> list[Line]:
        parts = [part for part in self._parts(plan, card) if part[1] > 0]
        total = float(card.total_bytes)
        free = total - sum(size for _, size, _, _ in parts)
        drawn = [(size, glyph, role) for _, size, glyph, role in parts]
        drawn.append((max(0.0, free), self.glyphs.empty, Role.FAINT))
        legend = [
            line((f"{name} ", Role.DIM), f"{figures.gib(size)} ", (f"{glyph}  ", role))
            for name, size, glyph, role in parts
        ]
        rest = line(("free ", Role.DIM), figures.gib(max(0.0, free)))
        if free < 0:
            rest = line((f"{figures.gib(-free)} too much", Role.BAD))
        rows = _flowed([*legend, rest], width)
        return [(), stacked_bar(drawn, max(total, total - free), width), *rows]

    def _figures(self, row: ModelRow, width: int) -> list[Line]:
        plan = row.plan
        if plan is None or plan.kv_cache_tokens is None:
            return []
        band = plan.kv_cache_tokens
        spread = "" if band.low == band.high else f"  {_range(band.low, band.high)}"
        rows = [line((f"{band.value:,} KV tokens", Role.TEXT), (spread, Role.DIM))]
        if plan.max_model_len is not None:
            rows.append(line(("longest    ", Role.DIM), f"{plan.max_model_len:,} tokens"))
        if row.typical_batch is not None:
            rows.append(
                line(
                    ("at once    ", Role.DIM),
                    figures.plural(row.typical_batch, "request"),
                    (f" of {figures.compact(TYPICAL_REQUEST_TOKENS)}", Role.DIM),
                )
            )
        return [*rows, *self._measured(row)]

    def _measured(self, row: ModelRow) -> list[Line]:
        """What the last start here reported, against what had been predicted for it."""
        measured = row.measured
        if measured is None or measured.kv_cache_tokens is None:
            return []
        told = f"{measured.kv_cache_tokens:,} KV tokens"
        predicted = measured.predicted_kv_cache_tokens
        off = ""
        if predicted:
            off = f"  {(predicted / measured.kv_cache_tokens - 1) * 100:+.1f} % predicted"
        return [line(("measured   ", Role.DIM), told, (off, Role.DIM))]

    def _flags(self, flags: Sequence[ProposedFlag], width: int) -> list[Line]:
        rows: list[Line] = []
        for flag in flags:
            text = " ".join(flag.arguments)
            if len(text) + len(flag.why) + 2 <= width:
                rows.append(line(text, (f"  {flag.why}", Role.DIM)))
            else:
                rows += [line(text), *wrapped(f"  {flag.why}", width, Role.DIM)]
        return rows


def _name(name: str, width: int) -> list[Line]:
    """Whole, on two rows where one is too short."""
    owner, _, model = name.rpartition("/")
    if len(name) <= width or not owner:
        return [line((name, Role.STRONG))]
    return [line((f"{owner}/", Role.DIM)), line((model, Role.STRONG))]


def _range(low: int, high: int) -> str:
    return f"{max(0, low) / 1e3:.0f}k to {high / 1e3:.0f}k"


def _flowed(parts: Sequence[Line], width: int) -> list[Line]:
    """Parts one after the other, broken between parts where a row is full."""
    rows: list[Line] = [()]
    for part in parts:
        length = sum(len(text) for text, _ in part)
        if rows[-1] and sum(len(text) for text, _ in rows[-1]) + length > width:
            rows.append(())
        rows[-1] = (*rows[-1], *part)
    return rows
