"""Cards by name, for plans on a card that is not in this machine.

Totals are what CUDA gives to programs under Linux, and so vLLM's total: 0.4 to 0.6 GiB below what
nvidia-smi shows, since the driver reserves that. Bandwidths are those of NVIDIA's data sheets,
capabilities those of its CUDA GPU list. Totals of cards that no log at hand prints are the data
sheet's less what cards of that kind lose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.fit.plan import Card

MIB, GIB = 2**20, 2**30
GB_PER_S = 10**9
# What CUDA leaves of a size on the box, and from where on a size is that of another card.
LEFT_OF_NOMINAL, ANOTHER_SIZE = 0.98, 0.12
# A Grace Hopper's name says the memory of its processor.
LARGEST_BYTES = 400 * GIB
SIZE = re.compile(r"\s*\b(\d+) ?gi?b\b", re.IGNORECASE)
DECORATION = re.compile(r"nvidia|geforce|tesla|quadro|agx|pcie|-?sxm\d?|-?hbm\d?e?")


@dataclass(frozen=True, slots=True)
class KnownCard:
    """An empty card of this kind."""

    name: str
    total_bytes: int
    bandwidth_bytes_per_s: int
    capability: tuple[int, int]

    @property
    def card(self) -> Card:
        return Card(self.name, self.total_bytes, self.total_bytes, capability=self.capability)


def _known(name: str, mib: int, gb_per_s: float, capability: tuple[int, int]) -> KnownCard:
    return KnownCard(name, mib * MIB, int(gb_per_s * GB_PER_S), capability)


# name, MiB, GB/s, capability
CARDS = (
    _known("P100", 16_280, 732, (6, 0)),
    _known("P40", 22_920, 346, (6, 1)),
    _known("T4", 14_910, 320, (7, 5)),
    _known("V100 16GB", 16_144, 900, (7, 0)),
    _known("V100 32GB", 32_494, 900, (7, 0)),
    _known("RTX 2060 12GB", 11_900, 336, (7, 5)),
    _known("RTX 2070", 7_790, 448, (7, 5)),
    _known("RTX 2080", 7_790, 448, (7, 5)),
    _known("RTX 2080 Ti", 10_820, 616, (7, 5)),
    _known("Titan RTX", 24_200, 672, (7, 5)),
    _known("RTX 6000", 24_200, 672, (7, 5)),
    _known("RTX 8000", 48_600, 672, (7, 5)),
    _known("RTX 3050", 7_790, 224, (8, 6)),
    _known("RTX 3060", 11_910, 360, (8, 6)),
    _known("RTX 3070", 7_790, 448, (8, 6)),
    _known("RTX 3070 Ti", 7_790, 608, (8, 6)),
    _known("RTX 3080", 9_990, 760, (8, 6)),
    _known("RTX 3080 Ti", 11_910, 912, (8, 6)),
    _known("RTX 3090", 24_120, 936, (8, 6)),
    _known("RTX 3090 Ti", 24_120, 1_008, (8, 6)),
    _known("RTX A2000 12GB", 11_910, 288, (8, 6)),
    _known("RTX A4000", 15_980, 448, (8, 6)),
    _known("RTX A4500", 20_060, 640, (8, 6)),
    _known("RTX A5000", 24_115, 768, (8, 6)),
    _known("RTX A6000", 48_550, 768, (8, 6)),
    _known("A10", 22_580, 600, (8, 6)),
    _known("A10G", 22_580, 600, (8, 6)),
    _known("A16", 14_910, 200, (8, 6)),
    _known("A40", 45_480, 696, (8, 6)),
    _known("A30", 24_060, 933, (8, 0)),
    _known("A100 40GB", 40_440, 1_555, (8, 0)),
    _known("A100 80GB", 81_150, 2_039, (8, 0)),
    _known("A800 80GB", 81_150, 2_039, (8, 0)),
    _known("RTX 2000 Ada", 15_950, 224, (8, 9)),
    _known("RTX 4000 Ada", 19_980, 360, (8, 9)),
    _known("RTX 4500 Ada", 24_080, 432, (8, 9)),
    _known("RTX 5000 Ada", 32_200, 576, (8, 9)),
    _known("RTX 4050 Laptop", 5_890, 192, (8, 9)),
    _known("RTX 4060 Laptop", 7_800, 256, (8, 9)),
    _known("RTX 4070 Laptop", 7_800, 256, (8, 9)),
    _known("RTX 4080 Laptop", 11_870, 432, (8, 9)),
    _known("RTX 4090 Laptop", 15_950, 576, (8, 9)),
    _known("RTX 4060", 7_800, 272, (8, 9)),
    _known("RTX 4060 Ti", 7_800, 288, (8, 9)),
    _known("RTX 4060 Ti 16GB", 15_950, 288, (8, 9)),
    _known("RTX 4070", 11_870, 504, (8, 9)),
    _known("RTX 4070 Ti", 11_870, 504, (8, 9)),
    _known("RTX 4070 Ti SUPER", 15_960, 672, (8, 9)),
    _known("RTX 4080", 15_960, 716.8, (8, 9)),
    _known("RTX 4080 SUPER", 15_960, 736.3, (8, 9)),
    _known("RTX 4090", 24_218, 1_008, (8, 9)),
    _known("RTX 6000 Ada", 48_520, 960, (8, 9)),
    _known("L4", 22_559, 300, (8, 9)),
    _known("L20", 45_470, 864, (8, 9)),
    _known("L40", 45_470, 864, (8, 9)),
    _known("L40S", 45_470, 864, (8, 9)),
    _known("H100 PCIe", 81_080, 2_000, (9, 0)),
    _known("H100 NVL", 95_300, 3_938, (9, 0)),
    _known("H100", 81_080, 3_350, (9, 0)),
    _known("H800", 81_080, 3_350, (9, 0)),
    _known("H20", 97_280, 4_000, (9, 0)),
    _known("GH200 96GB", 96_770, 4_000, (9, 0)),
    _known("H200", 143_155, 4_800, (9, 0)),
    _known("RTX 5060 Ti 16GB", 15_840, 448, (12, 0)),
    _known("RTX 5060", 7_700, 448, (12, 0)),
    _known("RTX 5070 Laptop", 7_700, 384, (12, 0)),
    _known("RTX 5080 Laptop", 15_840, 896, (12, 0)),
    _known("RTX 5090 Laptop", 24_000, 896, (12, 0)),
    _known("RTX 5070", 11_800, 672, (12, 0)),
    _known("RTX 5070 Ti", 15_840, 896, (12, 0)),
    _known("RTX 5080", 15_840, 960, (12, 0)),
    _known("RTX 5090", 32_113, 1_792, (12, 0)),
    _known("RTX PRO 4000", 24_000, 672, (12, 0)),
    _known("RTX PRO 4500", 32_113, 896, (12, 0)),
    _known("RTX PRO 5000", 48_500, 1_344, (12, 0)),
    _known("RTX PRO 6000", 97_250, 1_792, (12, 0)),
    _known("Jetson Thor", 125_770, 273, (11, 0)),
    _known("Jetson Orin", 62_840, 204, (8, 7)),
    _known("GB10", 124_610, 273, (12, 1)),
    _known("B200", 182_640, 8_000, (10, 0)),
    _known("GB200", 189_400, 8_000, (10, 0)),
    _known("B300", 275_000, 8_000, (10, 3)),
    _known("GB300", 284_000, 8_000, (10, 3)),
)


def find_card(name: str) -> KnownCard:
    """The known card of that name (`4090`, `rtx4090` and `NVIDIA GeForce RTX 4090` are one)."""
    for wanted in (_folded(name), _folded(name.lower().replace("pcie", ""))):
        exact = [card for card in CARDS if _folded(card.name) == wanted]
        found = exact or [card for card in CARDS if _folded(card.name).endswith(wanted) and wanted]
        if found:
            return found[0]
    # The longest first, so that a 4080 SUPER is no 4080; of several sizes the smallest.
    for said in (lambda card: card.name, lambda card: SIZE.sub("", card.name)):
        inside = [card for card in CARDS if _is_within(said(card), name)]
        if inside:
            best = max(inside, key=lambda card: (len(said(card)), -card.total_bytes))
            return _of_said_size(best, name)
    raise VConsoleError(
        f"no card is known by the name {name!r}",
        f"give its memory with --gpu-memory GIB; known are {', '.join(c.name for c in CARDS)}",
        ExitCode.USAGE,
        "unknown_card",
    )


def _is_within(card: str, name: str) -> bool:
    """Whether the name has the card's as words of its own: an A100 is no A10, a GH200 no H200."""
    words = r"[^a-z0-9]*".join(re.findall(r"[a-z]+|\d+", card.lower()))
    plain = DECORATION.sub("", name.lower())
    return re.search(rf"(?<![a-z0-9]){words}(?!\d)", plain) is not None


def _of_said_size(card: KnownCard, name: str) -> KnownCard:
    """The card with the size that its name says, where that is another one."""
    said = SIZE.search(name)
    size = int(int(said[1]) * GIB * LEFT_OF_NOMINAL) if said else card.total_bytes
    if abs(size / card.total_bytes - 1) < ANOTHER_SIZE or size > LARGEST_BYTES:
        return card
    return replace(card, name=name, total_bytes=size)


def card_of_memory(gib: float) -> Card:
    """An empty card of that many GiB, of which nothing else is known."""
    size = int(gib * GIB)
    return Card(f"{gib:g} GiB card", size, size)


def _folded(name: str) -> str:
    return re.sub(r"nvidia|geforce|sxm\d?|hbm\d?e?|[^a-z0-9]", "", name.lower())
