"""Finding plain strings in many lines at once, which is what keeps a diagnosis fast."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from vconsole.engine.log.log_reading import LogLine

_PLACES_PER_NEEDLE = 40
_CHATTER_LEVELS = ("DEBUG", "INFO", "WARNING")


class LineIndex:
    """Some lines of a run, as one text in lower case; places are indices into the run."""

    def __init__(self, lines: Sequence[LogLine], chosen: Iterable[int]) -> None:
        self.indices = list(chosen)
        lowered = [lines[index].text.lower() for index in self.indices]
        self._starts = list(accumulate((len(text) + 1 for text in lowered), initial=0))
        self._text = "\n".join(lowered)
        self._found: dict[str, tuple[int, ...]] = {}

    def places(self, needle: str) -> tuple[int, ...]:
        """The first lines that contain `needle` (in lower case), each once, in order."""
        if needle not in self._found:
            self._found[needle] = tuple(self._search(needle))
        return self._found[needle]

    def _search(self, needle: str) -> Iterator[int]:
        at = self._text.find(needle)
        for _ in range(_PLACES_PER_NEEDLE):
            if at < 0:
                return
            line = bisect_right(self._starts, at) - 1
            yield self.indices[line]
            at = self._text.find(needle, self._starts[line + 1])

    def first(self, needles: Iterable[str], start: int = 0) -> int | None:
        """The first line from `start` on that contains any of `needles` (in lower case)."""
        after = self._starts[bisect_right(self.indices, start - 1)] if self.indices else 0
        found = [at for needle in needles if (at := self._text.find(needle, after)) >= 0]
        return self.indices[bisect_right(self._starts, min(found)) - 1] if found else None

    def last(self, needles: Iterable[str]) -> int | None:
        """The last line that contains any of `needles` (in lower case)."""
        at = max((self._text.rfind(needle) for needle in needles), default=-1)
        return self.indices[bisect_right(self._starts, at) - 1] if at >= 0 else None


@dataclass(frozen=True, slots=True)
class Run:
    """The lines of one run; `whole` indexes all of them, `serious` those above warnings."""

    lines: list[LogLine]
    whole: LineIndex
    serious: LineIndex


def index_run(lines: list[LogLine]) -> Run:
    """Indices without frames of tracebacks, and of repeated lines only the first and the last."""
    first: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], int] = {}
    for index, line in enumerate(lines):
        if line.text and not line.text.startswith(('  File "', "    ^", "    ~")):
            key = (line.level, line.text)
            first.setdefault(key, index)
            last[key] = index
    chosen = sorted({*first.values(), *last.values()})
    serious = [index for index in chosen if lines[index].level not in _CHATTER_LEVELS]
    return Run(lines, LineIndex(lines, chosen), LineIndex(lines, serious))
