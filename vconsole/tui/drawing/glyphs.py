"""The symbols of the console, in a Unicode set and in an ASCII one for poor terminals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """`levels` are the nine heights of a graph's cell, empty first; `eighths` end a bar."""

    corners: str = "╭╮╰╯"
    horizontal: str = "─"
    vertical: str = "│"
    levels: str = " ▁▂▃▄▅▆▇█"
    eighths: str = "▏▎▍▌▋▊▉█"
    baseline: str = "▁"
    full: str = "█"
    second: str = "▓"
    third: str = "▒"
    fourth: str = "■"
    empty: str = "·"
    track: str = "─"
    dot: str = "●"
    ring: str = "○"
    half: str = "◐"
    tick: str = "✓"
    cross: str = "✕"
    warning: str = "▲"
    pending: str = "·"
    running: str = "▶"
    pause: str = "‖"
    arrow: str = "▸"
    down: str = "▼"
    ellipsis: str = "…"
    unknown: str = "—"
    degree: str = "°"
    between: str = "·"
    axis: str = "┤"
    thumb: str = "┃"
    tree: str = "└"
    returns: str = "⏎"
    at_most: str = "≤"
    at_least: str = "≥"


UNICODE = Glyphs()
ASCII = Glyphs(
    corners="++++",
    horizontal="-",
    vertical="|",
    levels=" .:-=+*##",
    eighths="--==####",
    baseline="_",
    full="#",
    second="%",
    third="=",
    fourth="@",
    empty=".",
    track="-",
    dot="*",
    ring="o",
    half="~",
    tick="+",
    cross="x",
    warning="!",
    pending=".",
    running=">",
    pause="=",
    arrow=">",
    down="v",
    ellipsis="~",
    unknown="-",
    degree=" ",
    between="-",
    axis="|",
    thumb="#",
    tree="`",
    returns="\\",
    at_most="<",
    at_least=">",
)


def glyphs_for(ascii_only: bool) -> Glyphs:
    return ASCII if ascii_only else UNICODE
