"""Text that grows is broken into rows as if it had been there from the start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vconsole.tui.drawing.wrapping import GrowingText, broken

TEXT = st.text(alphabet="ab äöü漢字🙂\n\t\r\x1b‮ -", max_size=120)


@given(st.lists(TEXT, max_size=6), st.integers(2, 20))
def test_growing_and_whole_are_the_same(parts: list[str], width: int) -> None:
    growing, text = GrowingText(width), ""
    for part in parts:
        text += part
        assert growing.rows(text) == GrowingText(width).rows(text)


@given(TEXT, st.integers(2, 20))
def test_no_row_is_too_wide_and_none_acts_on_the_terminal(text: str, width: int) -> None:
    for row in GrowingText(width).rows(text):
        assert cell_len(row) <= width
        assert "\x1b" not in row
        assert "‮" not in row


@given(st.text(alphabet="ab 漢🙂", max_size=200), st.integers(2, 20))
def test_nothing_is_lost(line: str, width: int) -> None:
    assert "".join(broken(line, width)) == line


def test_it_breaks_before_words() -> None:
    assert GrowingText(10).rows("one two three\nfour") == ["one two", "three", "four"]
    assert GrowingText(4).rows("abcdefghij k") == ["abcd", "efgh", "ij k"]


def test_another_text_begins_anew() -> None:
    growing = GrowingText(10)
    growing.rows("one two")
    assert growing.rows("three") == ["three"]
