"""How fast a card reads its memory: as NVML's bus and clock say it, else as its maker does.

The table is of NVIDIA's data sheets and product pages ("memory bandwidth"), in GB/s; of names that
contain each other the longer stands first.
"""

from __future__ import annotations

from vconsole.host.readings import Gpu

GB = 1_000_000_000
GB_PER_S = (
    *(("B200", 8000), ("GH200", 4000), ("H200", 4800), ("H100 NVL", 3900), ("H100 PCIe", 2000)),
    *(("H100", 3350), ("A100-SXM4-80GB", 2039), ("A100 80GB PCIe", 1935), ("A100", 1555)),
    *(("L40S", 864), ("L40", 864), ("L4", 300), ("A40", 696), ("A10G", 600), ("A10", 600)),
    *(("Tesla T4", 320), ("Tesla V100", 900), ("RTX 6000 Ada", 960), ("RTX A6000", 768)),
    *(("RTX A5000", 768), ("RTX 5090", 1792), ("RTX 5080", 960), ("RTX 4090", 1008)),
    *(("RTX 4080 SUPER", 736), ("RTX 4080", 717), ("RTX 4070 Ti SUPER", 672)),
    *(("RTX 4070", 504), ("RTX 3090 Ti", 1008), ("RTX 3090", 936), ("GB10", 273)),
)


def memory_bandwidth_bytes_per_s(card: Gpu) -> int | None:
    """None of a card that neither tells nor is listed, and of one that is shared out by MIG.

    A laptop's card has the name of a faster one.
    """
    if card.mig_mode:
        return None
    if card.memory_bandwidth_bytes_per_s is not None:
        return card.memory_bandwidth_bytes_per_s
    name = card.name or ""
    if "Laptop" in name:
        return None
    return next((speed * GB for listed, speed in GB_PER_S if listed in name), None)
