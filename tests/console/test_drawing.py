"""Graphs, bars, figures and lines, as pure functions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console import figures_of_the_sketches as sketches
from vconsole.supervisor.model import Sample
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import ASCII, UNICODE
from vconsole.tui.drawing.graph import bar, nice_ceiling, row_graph, stacked_bar, tall_graph
from vconsole.tui.drawing.text import Role, cells, fit, line, plain, spread, wrap
from vconsole.tui.history import History
from vconsole.tui.widgets.canvas import changed_cells


def test_a_row_graph_has_a_fixed_scale() -> None:
    flat = row_graph([0.9, 0.9, 0.9], 1.0, UNICODE)
    assert plain(flat) == "███"
    assert plain(row_graph([None, 0, 0.01, 0.5, 1.0, 2.0], 1.0, UNICODE)) == " ▁▁▄██"


def test_zero_is_fainter_than_little() -> None:
    assert row_graph([0], 1.0, UNICODE)[0][1] is Role.FAINT
    assert row_graph([0.01], 1.0, UNICODE)[0][1] is Role.ACCENT


def test_a_tall_graph_fills_from_below() -> None:
    rows = [plain(row) for row in tall_graph([1, 2, 4], 4, 4, UNICODE)]
    assert rows == ["  █", "  █", " ██", "███"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=60), st.integers(1, 6))
def test_graphs_have_a_cell_per_value(values: list[float | None], height: int) -> None:
    rows = tall_graph(values, 1e6, height, ASCII)
    assert [cells(row) for row in rows] == [len(values)] * height


@pytest.mark.parametrize(
    ("value", "ceiling"), [(0, 10), (10, 10), (11, 20), (21, 50), (51, 100), (1842, 2000)]
)
def test_the_scale_steps_by_one_two_five(value: float, ceiling: float) -> None:
    assert nice_ceiling(value, 10) == ceiling


@given(st.one_of(st.none(), st.floats(-1, 2)), st.integers(1, 80))
def test_a_bar_has_its_width(share: float | None, width: int) -> None:
    assert cells(bar(share, width, UNICODE)) == width


def test_a_small_tenant_is_not_rounded_away() -> None:
    drawn = stacked_bar([(999, "a", Role.TEXT), (1, "b", Role.TEXT), (0, "c", Role.TEXT)], 2000, 20)
    assert plain(drawn) == "a" * 10 + "b"


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.integers(1, 60))
def test_a_stacked_bar_never_exceeds_its_width(sizes: list[float], width: int) -> None:
    drawn = stacked_bar([(size, "x", Role.TEXT) for size in sizes], sum(sizes), width)
    assert cells(drawn) <= width


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (figures.count(1842.3), "1,842"),
        (figures.count(None), "—"),
        (figures.count(2.5), "2.5"),
        (figures.compact(46_700), "46.7k"),
        (figures.compact(2000), "2k"),
        (figures.compact(1_200_000), "1.2M"),
        (figures.latency(8.44), "8.4 ms"),
        (figures.latency(640), "640 ms"),
        (figures.latency(2100), "2.1 s"),
        (figures.seconds(48), "48 s"),
        (figures.seconds(200), "3m 20s"),
        (figures.span(59), "<1m"),
        (figures.span(192 * 60), "3h 12m"),
        (figures.span(3 * 86400), "3d 0h"),
        (figures.percent(0.54), "54 %"),
        (figures.about(0.2), "1 s"),
        (figures.about(200), "3m 20s"),
        (figures.gib(15676630630), "14.6"),
        (figures.plural(1, "request"), "1 request"),
        (figures.plural(2, "request"), "2 requests"),
        (figures.age(75), "1 min"),
    ],
)
def test_figures(shown: str, wanted: str) -> None:
    assert shown == wanted


@given(st.text(), st.integers(1, 40))
def test_fit_gives_exactly_the_width(text: str, width: int) -> None:
    shown = text.replace("\n", " ").replace("\r", " ")
    if shown.isprintable():
        assert cells(fit(line(shown), width)) == width


def test_spread_cuts_the_left_side() -> None:
    assert plain(spread(line("a long left"), line("right"), 10)) == "a lo…right"


def test_wrap_keeps_indentation_and_blank_lines() -> None:
    assert wrap("  one two\n\nx", 6) == ["  one", "  two", "", "x"]


def test_only_changed_cells_are_repainted() -> None:
    old = line("TTFT     82 ms" + " " * 20 + "310 ms")
    new = line("TTFT     91 ms" + " " * 20 + "340 ms")
    assert changed_cells(old, new, 40) == [(9, 11), (35, 36)]
    assert changed_cells(old, line("宽" + " " * 38), 40) == [(0, 40)]


def test_history_columns_are_means_aligned_to_the_clock() -> None:
    history = History()
    now = sketches.NOW
    values = [10, 20, 30, 40]
    history.replace(
        Sample(at=now - timedelta(seconds=3 - n), generation_tokens_per_s=value)
        for n, value in enumerate(values)
    )
    columns = history.columns("generation_tokens_per_s", 5, 10, now)
    assert columns == [None, None, 10, 25, 40]
    assert history.peak("generation_tokens_per_s", 60, now) == 40
    assert history.peak("requests_per_s", 60, now) is None
