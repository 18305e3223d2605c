"""What a batch would do: bad lines by number, what it would take, and its first answers."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.errors import VConsoleError
from vconsole.requests.batch.preview import Checked, Preview
from vconsole.requests.safe_text import safe
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, fit, line, wrap
from vconsole.tui.widgets.panel import Panel

BAD_SHOWN = 5
LONGEST_ANSWER = 1000


class PreviewBox(Panel):
    """`may_run` is whether Enter queues it; `offset` is how far it is scrolled."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name_of_input = name
        self.checked: Checked | None = None
        self.preview: Preview | None = None
        self.error: VConsoleError | None = None
        self.may_run = False
        self.above = 0

    def heading(self) -> tuple[Line, Line]:
        return line((f"Before it runs  {self._name_of_input}", Role.STRONG)), ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        rows = self.content(width)
        room = height - 2
        self.above = max(0, min(self.above, len(rows) - room))
        shown = rows[self.above : self.above + room]
        shown += [()] * (room - len(shown))
        return [*shown, (), self._keys(len(rows) > room)]

    def _keys(self, more: bool) -> Line:
        scrolling = line(("    up, down", Role.KEY), ("  more", Role.DIM)) if more else ()
        back = line(("esc", Role.KEY), ("  back to the form", Role.DIM), scrolling)
        if not self.may_run:
            return back
        return line((" Run it ", Role.CHOSEN), ("  enter", Role.KEY), "      ", back)

    def content(self, width: int) -> list[Line]:
        rows = [*self._input(width), *self._expected(width)]
        if self.error is not None:
            rows += [line((row, Role.BAD)) for row in wrap(self.error.message, width)]
            rows += [line((row, Role.DIM)) for row in wrap(self.error.remedy or "", width)]
        elif self.preview is None:
            doing = "Asking the first requests." if self.checked else "Checking every line."
            rows.append(line((f"{self.glyphs.half} {doing}", Role.WARN)))
        return rows + self._answers(width)

    def _input(self, width: int) -> list[Line]:
        checked = self.checked
        if checked is None:
            return []
        total = checked.good + checked.bad_total
        mark = (self.glyphs.tick, Role.GOOD)
        if checked.bad_total:
            mark = (self.glyphs.warning, Role.WARN)
        good = f" {checked.good:,} good requests of {figures.plural(total, 'line')}"
        rows = [line(mark, good)]
        for bad in checked.bad[:BAD_SHOWN]:
            rows.append(line("  ", (f"line {bad.number:,}", Role.WARN), f"  {safe(bad.message)}"))
        if checked.bad_total > BAD_SHOWN:
            more = f"  and {checked.bad_total - BAD_SHOWN:,} more; all go to the errors file"
            rows.append(line((more, Role.DIM)))
        return rows

    def _expected(self, width: int) -> list[Line]:
        found = self.preview
        if found is None:
            return []
        compact = figures.compact
        tokens = (
            f"{compact(found.expected_prompt_tokens)} prompt and"
            f" {compact(found.expected_generation_tokens)} generated tokens"
        )
        took = figures.seconds(found.expected_s)
        time = f"{took} at {found.at_once} at once; more at once are faster"
        cost = f"about {found.cost:,.2f} {found.currency}" if found.cost is not None else None
        unknown = f"{figures.UNKNOWN}  [prices] hardware_per_hour is not set"
        return [
            *self._too_long(found),
            _labelled("tokens", tokens),
            _labelled("time", time),
            _labelled("cost", cost or unknown),
            self._disk(found),
            (),
        ]

    def _too_long(self, found: Preview) -> list[Line]:
        """Good lines that the server will refuse for their length."""
        rows = [
            line("  ", (f"line {bad.number:,}", Role.WARN), f"  {safe(bad.message)}")
            for bad in found.too_long[:BAD_SHOWN]
        ]
        rest = len(found.too_long) - BAD_SHOWN
        if rest > 0 or found.too_long_more:
            at_least = "at least " if found.too_long_more else ""
            rows.append(line((f"  {at_least}{max(rest, 0):,} more are too long", Role.DIM)))
        return rows

    def _disk(self, found: Preview) -> Line:
        if found.expected_output_bytes is None:
            return _labelled("disk", f"{found.disk_free_bytes / 1e9:,.1f} GB free")
        words = f"{found.expected_output_bytes / 1e6:,.1f} MB of {found.disk_free_bytes / 1e9:,.1f}"
        fits = ("it fits", Role.GOOD) if found.fits_disk else ("IT DOES NOT FIT", Role.BAD)
        return line(_labelled("disk", f"{words} GB free: "), fits)

    def _answers(self, width: int) -> list[Line]:
        rows: list[Line] = []
        for answer in self.preview.answers if self.preview else ():
            name = fit(line((safe(answer.custom_id), Role.DIM)), 12, self.glyphs.ellipsis)
            if answer.error is not None:
                rows.append(line(name, " ", (f"failed: {answer.error}", Role.BAD)))
                continue
            text = " ".join(safe((answer.answer or "")[:LONGEST_ANSWER]).split())
            rows.append(line(name, " ", text or ("(empty)", Role.WARN)))
        return rows

    def scroll_rows(self, rows: int) -> None:
        self.above = max(0, self.above + rows)
        self.redraw()


def _labelled(label: str, text: str) -> Line:
    return line((f"{label:<8}", Role.DIM), text)
