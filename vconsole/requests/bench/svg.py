"""The plot of a bench as an SVG that stands alone and reads in light and dark."""

from __future__ import annotations

from html import escape

from vconsole.requests.bench.plot import Axis, Curve, Plot

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 52, 56
# Okabe and Ito's palette, told apart without colour vision too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-size:15px;font-weight:600}"
    ".g{stroke:#0002}.a{stroke:#888}.b{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#fff2}.b{fill:#16181d}}"
)


def svg(plot: Plot, title: str) -> str:
    """Curves with a mark and a label at each load; throughput upwards, latency to the right."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="b" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="t" x="{LEFT}" y="24">{escape(title)}</text>',
        *_axes(plot),
        _legend(plot),
        *(part for index, curve in enumerate(plot.curves) for part in _curve(plot, curve, index)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(plot: Plot) -> list[str]:
    bottom = HEIGHT - BOTTOM
    found = []
    for tick in plot.x.ticks:
        x = _x(plot.x, tick)
        found.append(f'<line class="g" x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}"/>')
        found.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in plot.y.ticks:
        y = _y(plot.y, tick)
        found.append(f'<line class="g" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        found.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    found.append(
        f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{escape(plot.x_words)}</text>'
    )
    found.append(f'<text x="{LEFT}" y="{TOP - 8}">{escape(plot.y_words)}</text>')
    return found


def _legend(plot: Plot) -> str:
    """Names in their colours, above the plot, where no dot can be."""
    names = "".join(
        f'<tspan dx="{14 if at else 0}" style="fill:{COLOURS[at % len(COLOURS)]}">'
        f"● {escape(curve.name)}</tspan>"
        for at, curve in enumerate(plot.curves)
    )
    return f'<text x="{WIDTH - RIGHT}" y="{TOP - 8}" text-anchor="end">{names}</text>'


def _curve(plot: Plot, curve: Curve, index: int) -> list[str]:
    colour = COLOURS[index % len(COLOURS)]
    placed = [(_x(plot.x, dot.x_ms), _y(plot.y, dot.y_per_s), dot.label) for dot in curve.dots]
    line = " ".join(f"{x},{y}" for x, y, _ in placed)
    found = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, y, label in placed:
        found.append(f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>')
        found.append(f'<text x="{x + 8}" y="{y - 8}">{escape(label)}</text>')
    return found


def _x(axis: Axis, value: float) -> float:
    return round(LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM), 1)
