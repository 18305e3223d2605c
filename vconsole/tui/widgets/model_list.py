"""The list of models: what is on this machine first, then what the catalogue offers."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.models.rows import Listing, ModelRow
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import VERDICTS
from vconsole.tui.drawing.text import Line, Role, fit, line
from vconsole.tui.widgets.pick_list import PickList

WORDS_FROM_CELLS = 56
QUANT_CELLS, SIZE_CELLS, TOKENS_CELLS = 6, 6, 7


class ModelList(PickList[ModelRow]):
    """`items` are the rows of `listing` that the filter lets through.

    `top` counts drawn rows, headings among them; `_places` has each one's position in `items`.
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self.listing: Listing | None = None
        self.words = ""
        self._places: list[int | None] = []

    def name_of(self, item: ModelRow) -> str:
        return item.name

    def show_listing(self, listing: Listing) -> None:
        """Draw another listing, keeping the marked model marked."""
        self.listing = listing
        self._sift()

    def filter(self, words: str) -> None:
        self.words = words
        self.items, self.cursor, self.top = None, 0, 0
        self._sift()

    def _sift(self) -> None:
        wanted = self.words.lower().split()
        rows = self.listing.rows if self.listing else ()
        self.show_items([row for row in rows if all(word in _haystack(row) for word in wanted)])
        self.post_message(self.Moved())

    def heading(self) -> tuple[Line, Line]:
        shown, known = len(self.items or ()), len(self.listing.rows) if self.listing else 0
        count = f"{shown} of {known}" if self.words else f"{known}"
        filtered = line((f"/{self.words}  ", Role.ACCENT)) if self.words else ()
        return line(("Models", Role.STRONG)), line(filtered, (count, Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.listing is None:
            return [line(("Reading what is here.", Role.DIM))]
        if not self.items:
            return [
                line("No model of that name here."),
                line(("esc", Role.KEY), (" clears the filter; ", Role.DIM)),
                line(("vconsole models search", Role.STRONG), (" asks the Hub.", Role.DIM)),
            ]
        rows = self._rows(width)
        at = self._places.index(self.cursor)
        # A heading above the marked row is worth seeing with it.
        first = at - 1 if at and self._places[at - 1] is None else at
        self._room = height
        self.top = max(at - height + 1, min(self.top, first))
        self.top = max(0, min(self.top, len(rows) - height))
        return rows[self.top : self.top + height]

    def _rows(self, width: int) -> list[Line]:
        rows: list[Line] = [self._columns(width)]
        self._places = [None]
        section = ""
        for position, row in enumerate(self.items or ()):
            if (here := _section(row)) != section:
                section = here
                rows.append(line((here, Role.ACCENT)))
                self._places.append(None)
            rows.append(self._row(row, width, position == self.cursor))
            self._places.append(position)
        return rows

    def _columns(self, width: int) -> Line:
        name = fit(line(("  model", Role.DIM)), self._name_cells(width))
        word = f"{'verdict':<9}" if width >= WORDS_FROM_CELLS else ""
        return line(name, (f" {word}{'quant':<6}{'GB':>6}{'KV tok':>7}", Role.DIM))

    def _name_cells(self, width: int) -> int:
        word = 9 if width >= WORDS_FROM_CELLS else 0
        return max(8, width - QUANT_CELLS - SIZE_CELLS - TOKENS_CELLS - word - 1)

    def _row(self, row: ModelRow, width: int, marked: bool) -> Line:
        look = VERDICTS[row.verdict]
        wide = width >= WORDS_FROM_CELLS
        name = row.name if wide else row.name.rpartition("/")[2]
        role = Role.MARKED if marked else Role.TEXT if row.on_disk else Role.DIM
        size = f"{row.bytes / 1e9:.1f}" if row.bytes is not None else figures.UNKNOWN
        quantization = (row.quantization or figures.UNKNOWN)[: QUANT_CELLS - 1]
        rest = (
            f"{quantization:<{QUANT_CELLS}}{size:>{SIZE_CELLS}}"
            f"{figures.compact(row.kv_cache_tokens):>{TOKENS_CELLS}}"
        )
        return line(
            (f"{look.symbol(self.glyphs)} ", look.role),
            fit(line((name, role)), self._name_cells(width) - 2, self.glyphs.ellipsis),
            (f" {look.word:<9}", look.role) if wide else (" ", role),
            (rest, role),
        )

    def place_at(self, row: int) -> int:
        at = row + self.top
        place = self._places[at] if 0 <= at < len(self._places) else None
        return -1 if place is None else place


def _section(row: ModelRow) -> str:
    return "To be pulled" if row.path is None and not row.incomplete else "On this machine"


def _haystack(row: ModelRow) -> str:
    return (
        f"{row.name} {row.title or ''} {row.quantization or ''} {row.verdict} {row.source}".lower()
    )
