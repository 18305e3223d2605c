"""Samples by name from Prometheus's text format; what cannot be read is left out, never an error.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

Labels = Mapping[str, str]
Samples = Mapping[str, Sequence[tuple[Labels, float]]]

LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\(.)")
LARGEST_COUNT = 2**53
# A process only adds series; should one take the place of another, it is not missed for long.
READ_WHOLE_EVERY = 60


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a wanted sample stands: its line, and what that begins with."""

    index: int
    series: str
    name: str
    labels: Labels


class SampleReader:
    """Reads one server's texts, in which every series mostly stays on its line."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._layout: list[_Place] = []
        self._line_count = 0
        self._read_whole_in = 0

    def read(self, text: str) -> Samples:
        """Values from 0 to 2**53 of the wanted names: nothing that counts has others."""
        lines = text.split("\n")
        self._read_whole_in -= 1
        if self._read_whole_in > 0 and len(lines) == self._line_count:
            found = self._read_again(lines)
            if found is not None:
                return found
        return self._read_whole(lines)

    def _read_again(self, lines: Sequence[str]) -> Samples | None:
        """The samples of a text that is laid out as the last one was, None of another."""
        samples: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
        try:
            for place in self._layout:
                line, series = lines[place.index], place.series
                if not line.startswith(series):
                    return None
                value = float(line[len(series) :])
                if 0 <= value <= LARGEST_COUNT:
                    samples[place.name].append((place.labels, value))
        except ValueError:
            return None
        return samples

    def _read_whole(self, lines: Sequence[str]) -> Samples:
        samples: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
        self._layout, self._line_count = [], len(lines)
        self._read_whole_in = READ_WHOLE_EVERY
        for index, line in enumerate(lines):
            name, brace, _ = line.partition("{")
            if not brace:
                name = name.partition(" ")[0]
            if name not in self._wanted:
                continue
            series, _, value_text = line.rpartition(" ")
            if brace and not series.endswith("}"):  # the optional timestamp came last
                series, _, value_text = series.rpartition(" ")
            try:
                value = float(value_text)
            except ValueError:
                continue
            labels = _labels(series)
            self._layout.append(_Place(index, f"{series} ", name, labels))
            if 0 <= value <= LARGEST_COUNT:
                samples[name].append((labels, value))
        return samples


@lru_cache(maxsize=2048)
def _labels(series: str) -> Labels:
    return {name: ESCAPE.sub(_unescape, value) for name, value in LABEL.findall(series)}


def _unescape(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
