"""What goes to the terminal: only the cells of a span, and colours only where they change."""

from __future__ import annotations

import io

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from vconsole.tui.terminal.exact_update import ExactUpdate

RED = Style(color="#ff0000", bgcolor="#000000")
BLUE = Style(color="#0000ff", bgcolor="#000000")
BOLD = Style(color="#0000ff", bgcolor="#000000", bold=True)


def written(strip: Strip, first: int, after: int, system: str | None = "truecolor") -> str:
    console = Console(file=io.StringIO(), color_system=system, force_terminal=True)  # type: ignore[arg-type]
    return ExactUpdate(
        [{4: strip}], [(0, first, after)], [[4 + strip.cell_length]]
    ).render_segments(console)


def test_only_the_cells_of_the_span_are_written() -> None:
    strip = Strip([Segment("abcdef", RED)])
    assert written(strip, 6, 8) == "\x1b[1;7H\x1b[0;38;2;255;0;0;48;2;0;0;0mcd\x1b[0m"
    assert written(strip, 0, 5) == "\x1b[1;5H\x1b[0;38;2;255;0;0;48;2;0;0;0ma\x1b[0m"


def test_the_same_style_is_set_once_and_a_colour_alone_changes_alone() -> None:
    strip = Strip([Segment("a", RED), Segment("b", RED), Segment("c", BLUE), Segment("d", BOLD)])
    assert written(strip, 4, 8) == (
        "\x1b[1;5H\x1b[0;38;2;255;0;0;48;2;0;0;0mab"
        "\x1b[38;2;0;0;255mc\x1b[0;1;38;2;0;0;255;48;2;0;0;0md\x1b[0m"
    )


def test_a_terminal_of_sixteen_colours_gets_those() -> None:
    # Styles of their own: Rich keeps the codes of a style's first rendering.
    green, red = (Style(color=color, bgcolor="black") for color in ("#00ff00", "#ff0000"))
    assert "38;2" not in written(Strip([Segment("a", green), Segment("b", red)]), 4, 6, "standard")


def test_without_colours_there_is_text_alone() -> None:
    assert written(Strip([Segment("ab", RED)]), 4, 6, None) == "\x1b[1;5Hab\x1b[0m"
