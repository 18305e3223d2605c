"""What is known of a model whatever the card: size, weights, context, licence, quality, place."""

from __future__ import annotations

from vconsole.models.rows import ModelRow
from vconsole.tui.drawing.text import Line, Role, line, wrapped


def facts(row: ModelRow, width: int) -> list[Line]:
    """A row for each fact that is known, its name at the left."""
    parameters = f"{row.parameters / 1e9:.1f} billion" if row.parameters else None
    speed = f"{row.tokens_per_s:,.0f} tok/s at most (computed)" if row.tokens_per_s else None
    quality = f"{row.quality} {row.quality_percent:.1f} %" if row.quality else None
    gate = ", gated: accept it on the Hub first" if row.gated and not row.on_disk else ""
    known = {
        "size": parameters,
        "weights": row.quantization,
        "context": f"{row.context:,} tokens" if row.context else None,
        "licence": f"{row.license or 'not known'}{gate}",
        "quality": quality,
        "speed": speed,
        "where": row.path or "not on this machine: p pulls it",
    }
    rows: list[Line] = []
    for name, fact in known.items():
        if fact is not None:
            head, *more = wrapped(fact, max(8, width - 11))
            rows.append(line((f"{name:<11}", Role.DIM), head))
            rows += [line(" " * 11, one) for one in more]
    return rows
