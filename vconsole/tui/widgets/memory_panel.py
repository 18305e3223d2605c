"""What fills the cards, a row each when there are several; without a card, the host's memory."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vconsole.host.readings import CardMemory, Gpu, Host
from vconsole.supervisor.model import Status
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.graph import bar, stacked_bar
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.rows.card_load import has_room, load_row
from vconsole.tui.rows.memory_details import card_details, cards_details, host_details
from vconsole.tui.widgets.panel import Panel

Tenant = tuple[str, float, str, Role]
BAR_IN_ROW = 20
LEAST_BAR_IN_ROW = 10
# Name, figures, what slows the card down and a server's name.
BESIDE_BAR_IN_ROW = 66
# What a server of ours puts before the names of its processes (VLLM_PROCESS_NAME_PREFIX).
OUR_TITLE = re.compile(r"VC-(?P<server>.+?)::")
# So many rows inside are there only where the panel has the screen to itself.
ALONE_ROWS = 10
HOT_C = 83


class MemoryPanel(Panel, can_focus=True):
    def wanted_height(self, status: Status | None) -> int:
        """Rows with the border: two inside for one card or none, one per card for several.

        With room a single card has a third, its load over the time window.
        """
        cards = len(status.gpus) if status else 0
        shows_load = cards == 1 and status and status.server_gpus and has_room(self.app.size)
        return 2 + max(2, cards) + (1 if shows_load else 0)

    def heading(self) -> tuple[Line, Line]:
        status = self.view.status if self.view else None
        if status is None:
            return line(("Memory", Role.DIM)), ()
        if not status.gpus:
            note = status.gpu_note or "no GPU"
            title = line(("Host memory", Role.STRONG), (f"  {note}", Role.DIM))
            return title, self._host_note(status)
        if len(status.gpus) > 1:
            return line((f"{len(status.gpus)} GPUs", Role.STRONG)), line(("GiB", Role.DIM))
        card = status.gpus[0]
        title = line((f"GPU {card.index}", Role.STRONG), (f"  {short_name(card)}", Role.DIM))
        return title, self._card_note(card)

    def body(self, width: int, height: int) -> Sequence[Line]:
        status = self.view.status if self.view else None
        if status is None:
            return ()
        alone = height >= ALONE_ROWS and height > len(status.gpus)
        if not status.gpus:
            details = host_details(status.host, self.glyphs) if alone else []
            return [*self._host(status, width), *details]
        if len(status.gpus) > 1:
            rows = self._card_rows(status.gpus, width, height)
            return self._with_processes(status.gpus, rows) if alone else rows
        card = status.gpus[0]
        details = card_details(card, self._known_parts(card), self.glyphs) if alone else []
        return [*self._card(card, width), *(self._load(width) if height > 2 else ()), *details]

    def _with_processes(self, cards: Sequence[Gpu], rows: Sequence[Line]) -> list[Line]:
        """Under each card who is on it."""
        processes = cards_details(cards)
        return [
            each
            for card, row in zip(cards, rows, strict=True)
            for each in (row, *(line("  ", process) for process in processes[card.index]))
        ]

    def _load(self, width: int) -> list[Line]:
        return [load_row(self.view, width, self.glyphs)] if self.view else []

    def _card_note(self, card: Gpu) -> Line:
        if card.state:
            return line((f"{self.glyphs.warning} {card.state}", Role.BAD))
        used, total = figures.gib(card.memory_used_bytes), figures.gib(card.memory_total_bytes)
        busy = figures.percent(card.utilization)
        return line(
            (used, Role.STRONG),
            (f" of {total} GiB", Role.DIM),
            (f"  {busy:>5}", Role.TEXT),
            *self._heat(card),
        )

    def _heat(self, card: Gpu) -> list[tuple[str, Role]]:
        parts: list[tuple[str, Role]] = []
        if card.temperature_c is not None:
            role = Role.WARN if card.temperature_c >= HOT_C else Role.TEXT
            parts.append((f"  {card.temperature_c} {self.glyphs.degree}C", role))
        if card.power_w is not None:
            parts.append((f"  {card.power_w:.0f} W", Role.TEXT))
        if card.throttle:
            parts.append((f"  {self.glyphs.warning} {card.throttle[0]}", Role.WARN))
        return parts

    def _tenants(self, card: Gpu) -> list[Tenant]:
        """Who holds the card: name, bytes, glyph, role; what nobody explains is named so."""
        sizes = {"ours": 0.0, "ollama": 0.0, "others": 0.0}
        for process in card.processes:
            owner = process.owner if process.owner in sizes else "others"
            sizes[owner] += process.memory_bytes or 0
        rest = max(0.0, (card.memory_used_bytes or 0) - sum(sizes.values()))
        glyphs = self.glyphs
        return [
            ("vLLM", sizes["ours"], glyphs.full, Role.ACCENT),
            ("Ollama", sizes["ollama"], glyphs.fourth, Role.WARN),
            ("others", sizes["others"], glyphs.second, Role.SECOND),
            ("rest", rest, glyphs.third, Role.DIM),
        ]

    def _card(self, card: Gpu, width: int) -> list[Line]:
        if card.state:
            return []
        total = float(card.memory_total_bytes or 0)
        memory = self._known_parts(card)
        every = self._filling(memory) if memory else self._tenants(card)
        tenants = [tenant for tenant in every if tenant[1] > 0]
        free = _free_bytes(card)
        parts = [(size, glyph, role) for _, size, glyph, role in tenants]
        parts.append((free, self.glyphs.empty, Role.FAINT))
        gap = "  " if memory else "   "
        legend = [
            line((f"{name} ", Role.DIM), f"{figures.gib(size)} ", (f"{glyph}{gap}", role))
            for name, size, glyph, role in _with_room(tenants)
        ]
        free_text = line(
            ("free ", Role.DIM), f"{figures.gib(free)} ", (self.glyphs.empty, Role.FAINT)
        )
        return [stacked_bar(parts, total, width), line(*legend, free_text)]

    def _known_parts(self, card: Gpu) -> CardMemory | None:
        """What fills the card, where the server has said what it holds of weights and cache."""
        status = self.view.status if self.view else None
        found = status.card_memory if status else ()
        known = (one for one in found if one.index == card.index)
        return next((one for one in known if one.parts[0].kind in {"weights", "kv_used"}), None)

    def _filling(self, memory: CardMemory) -> list[Tenant]:
        """Who holds what in the bar: `KV` is cache in use, `room` is cache for more."""
        sizes = dict.fromkeys(("weights", "KV", "room", "vLLM", "Ollama", "rest"), 0.0)
        names = {"weights": "weights", "kv_used": "KV", "kv": "KV", "kv_free": "room"}
        names |= {"vllm_other": "vLLM", "free": ""}
        for part in memory.parts:
            name = "Ollama" if part.owner == "ollama" else names.get(part.kind, "rest")
            if name:
                sizes[name] += part.bytes or 0
        glyphs = self.glyphs
        looks = (
            *((glyphs.full, Role.ACCENT), (glyphs.second, Role.ACCENT)),
            *((glyphs.third, Role.ACCENT), (glyphs.full, Role.SECOND)),
            *((glyphs.fourth, Role.WARN), (glyphs.third, Role.DIM)),
        )
        return [(name, sizes[name], *look) for name, look in zip(sizes, looks, strict=True)]

    def _card_rows(self, cards: Sequence[Gpu], width: int, height: int) -> list[Line]:
        """A row per card; where they do not all fit, the last row counts the others."""
        if len(cards) <= height:
            return [self._card_row(card, width) for card in cards]
        shown = [self._card_row(card, width) for card in cards[: height - 1]]
        rest = figures.plural(len(cards) - height + 1, "more card")
        return [*shown, line((f"{rest} in a taller terminal", Role.DIM))]

    def _card_row(self, card: Gpu, width: int) -> Line:
        if card.state:
            words = (f"{self.glyphs.warning} {card.state}", Role.BAD)
            name = (f"{short_name(card):<9.9} ", Role.DIM)
            return line((f"{card.index} ", Role.STRONG), name, words)
        total = float(card.memory_total_bytes or 0)
        size = max(LEAST_BAR_IN_ROW, min(BAR_IN_ROW * 2, width - BESIDE_BAR_IN_ROW))
        parts = [(part, glyph, role) for _, part, glyph, role in self._tenants(card)]
        parts.append((_free_bytes(card), self.glyphs.empty, Role.FAINT))
        owners = [*_servers_on(card), *sorted({p.user for p in card.processes if p.user})]
        return line(
            (f"{card.index} ", Role.STRONG),
            (f"{short_name(card):<9.9} ", Role.DIM),
            stacked_bar(parts, total, size),
            f" {figures.gib(card.memory_used_bytes):>5}",
            (f" of {figures.gib(card.memory_total_bytes):>5}", Role.DIM),
            f" {figures.percent(card.utilization):>5}",
            *self._heat(card),
            (f"  {' '.join(owners)}", Role.DIM),
        )

    def _host_note(self, status: Status) -> Line:
        host = status.host
        total, free = host.memory_total_bytes, host.memory_available_bytes
        used = None if total is None or free is None else total - free
        return line(
            (figures.gib(used), Role.STRONG),
            (f" of {figures.gib(total)} GiB", Role.DIM),
            (f"   CPU {figures.percent(host.cpu):>5}", Role.TEXT),
        )

    def _host(self, status: Status, width: int) -> list[Line]:
        host = status.host
        total, free = host.memory_total_bytes, host.memory_available_bytes
        glyphs = self.glyphs
        known = total is not None and free is not None
        parts = [
            (float((total or 0) - (free or 0)), glyphs.full, Role.ACCENT),
            (float(free or 0), glyphs.empty, Role.FAINT),
        ]
        legend = line(
            ("free ", Role.DIM),
            f"{figures.gib(free)} ",
            (f"{glyphs.empty}   ", Role.FAINT),
            self._kv_space(status),
            (_nodes(host), Role.DIM),
        )
        return [stacked_bar(parts, float(total or 0), width) if known else (), legend]

    def _kv_space(self, status: Status) -> Line:
        metrics = status.metrics
        if metrics is None or metrics.kv_cache_tokens is None:
            return ()
        return line(
            ("KV space ", Role.DIM),
            f"{figures.compact(metrics.kv_cache_tokens)} tokens ",
            bar(metrics.kv_cache_usage, 10, self.glyphs),
            f" {figures.percent(metrics.kv_cache_usage):>5}   ",
        )


def _servers_on(card: Gpu) -> list[str]:
    """The names of our servers with a process on the card."""
    ours = (process.name or "" for process in card.processes if process.owner == "ours")
    return sorted({found["server"] for name in ours if (found := OUR_TITLE.match(name))})


def _nodes(host: Host) -> str:
    return f"NUMA {figures.plural(len(host.numa), 'node')}" if host.numa else ""


def _with_room(tenants: Sequence[Tenant]) -> list[Tenant]:
    """The legend's entries: the cache is one of them, with the glyphs of its used and free part."""
    merged: list[Tenant] = []
    for name, size, glyph, role in tenants:
        if name == "room" and merged and merged[-1][0] == "KV":
            merged[-1] = ("KV", merged[-1][1] + size, merged[-1][2] + glyph, role)
        else:
            merged.append(("KV" if name == "room" else name, size, glyph, role))
    return merged


def _free_bytes(card: Gpu) -> float:
    """What NVML says is free; an old snapshot of a card only says total and used."""
    if card.memory_free_bytes is not None:
        return float(card.memory_free_bytes)
    return max(0.0, float((card.memory_total_bytes or 0) - (card.memory_used_bytes or 0)))


def short_name(card: Gpu) -> str:
    """`RTX 4080` of `NVIDIA GeForce RTX 4080`, `H100` of `NVIDIA H100 80GB HBM3`."""
    words = (card.name or "GPU").replace("NVIDIA", "").replace("GeForce", "").split()
    kept = [word for word in words if not word.startswith("HBM") and not word.endswith("GB")]
    return " ".join(kept) or "GPU"
