"""The card as people keep it: Markdown, and a picture (SVG) that stands alone."""

from __future__ import annotations

from html import escape
from textwrap import wrap

from vconsole.supervisor.proving.model import Card, Claim, Side, Verdict
from vconsole.supervisor.proving.saying import ends

GIB = 2**30
TITLE = "Was leaving {} worth it?"
MARKS = {
    Verdict.CONFIRMED: "✓",
    Verdict.REFUTED: "✕",
    Verdict.NOT_SHOWN: "≈",
    Verdict.NOT_RUN: "·",
}
# Okabe and Ito's palette, told apart without colour vision too; the mark says it again.
COLOURS = {
    Verdict.CONFIRMED: "#009e73",
    Verdict.REFUTED: "#d55e00",
    Verdict.NOT_SHOWN: "#0072b2",
    Verdict.NOT_RUN: "#888888",
}
WIDTH, LEFT, LINE, WIDE = 860, 28, 17, 112
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-size:19px;font-weight:600}"
    ".a{font-size:15px;font-weight:600}.c{font-weight:600}.m{fill:#666}"
    ".b{fill:#fff}.r{stroke:#0002}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.m{fill:#999}.b{fill:#16181d}"
    ".r{stroke:#fff2}}"
)


def title(card: Card) -> str:
    return TITLE.format(card.rival.name if card.rival else "Ollama")


def sides(card: Card) -> list[str]:
    """Both in a line each, then the host and what was asked."""
    both = [card.ours, *([card.rival] if card.rival else [])]
    return [
        *map(side_words, both),
        f"{card.host}; {card.made_at:%Y-%m-%d %H:%M} UTC",
        f"Asked: {card.workload}",
    ]


def side_words(side: Side) -> str:
    version = f" {side.version}" if side.version else ""
    held = "" if side.memory_bytes is None else f"; {side.memory_bytes / GIB:.2f} GiB ({side.held})"
    return f"{side.name}{version}: {side.model}{held}"


def tally(card: Card) -> str:
    """`3 confirmed, 2 refuted, 4 not run`."""
    return ", ".join(f"{count} {verdict}" for verdict in Verdict if (count := card.count(verdict)))


def interval(claim: Claim) -> str:
    """`x1.42 (1.31 to 1.55)`; empty where there is no ratio."""
    if claim.ratio is None:
        return ""
    if claim.low is None or claim.high is None:
        return f"x{claim.ratio:.2f}"
    return f"x{claim.ratio:.2f} {ends(claim.low, claim.high)}"


def markdown(card: Card) -> str:
    """The whole card for a page."""
    lines = [f"# {title(card)}", "", f"**{card.answer}.** {tally(card)}.", ""]
    lines += [f"- {line}" for line in sides(card)]
    lines += ["", "| | claim | verdict | measured | ratio (95 %) | rests on |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [_row(claim) for claim in card.claims]
    if card.notes:
        lines += ["", *(f"- {note}" for note in card.notes)]
    return "\n".join(lines) + "\n"


def svg(card: Card) -> str:
    """As high as it has to be; every text is text."""
    parts, y = list[str](), 40

    def put(text: str, kind: str, x: int = LEFT, colour: str | None = None) -> None:
        fill = f' style="fill:{colour}"' if colour else ""
        parts.append(f'<text class="{kind}" x="{x}" y="{y}"{fill}>{escape(text)}</text>')

    put(title(card), "t")
    y += 28
    for line in wrap(f"{card.answer}.", 92):
        put(line, "a")
        y += LINE + 2
    put(f"{tally(card)}.", "c")
    y += LINE + 4
    for line in (each for side in sides(card) for each in wrap(side, WIDE)):
        put(line, "m")
        y += LINE
    for claim in card.claims:
        parts.append(f'<line class="r" x1="{LEFT}" y1="{y}" x2="{WIDTH - LEFT}" y2="{y}"/>')
        y += LINE + 4
        put(f"{MARKS[claim.verdict]} {claim.verdict}", "c", LEFT, COLOURS[claim.verdict])
        for line in wrap(claim.text, WIDE - 20):
            put(line, "c", LEFT + 110)
            y += LINE
        for line in wrap(_measured(claim), WIDE - 12):
            put(line, "m", LEFT + 110)
            y += LINE
        y += 3 - LINE // 2
    y += LINE
    for line in (each for note in card.notes for each in wrap(note, WIDE)):
        put(line, "m")
        y += LINE
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 12}" role="img">'
        f"<title>{escape(title(card))}</title><style>{STYLE}</style>"
        f'<rect class="b" width="{WIDTH}" height="{y + 12}"/>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _measured(claim: Claim) -> str:
    return "; ".join(part for part in (claim.figures, interval(claim), claim.rests_on) if part)


def _row(claim: Claim) -> str:
    cells = (
        MARKS[claim.verdict],
        claim.text,
        str(claim.verdict),
        claim.figures,
        interval(claim),
        claim.rests_on,
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
