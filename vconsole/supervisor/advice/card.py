"""What a card does to the server on it: heat, power, and who else holds its memory."""

from __future__ import annotations

from collections.abc import Callable

from vconsole.host.readings import HOT
from vconsole.supervisor.advice.rule import Facts, Rule, gib, percent
from vconsole.supervisor.advice.situation import Situation

POWER_CAP = "power cap"
AT_THE_LIMIT = 0.95
SMALLEST_TENANT_BYTES = 256 * 2**20


def _hot(situation: Situation) -> Facts | None:
    for gpu in situation.gpus:
        why = next((reason for reason in gpu.throttle if reason in HOT), None)
        if why is None:
            continue
        at = "" if gpu.temperature_c is None else f" at {gpu.temperature_c} °C"
        clock, most = gpu.sm_clock_mhz, gpu.sm_clock_max_mhz
        pace = f": it works at {percent(clock / most)} of its clock" if clock and most else ""
        return {"index": str(gpu.index), "why": why, "at": at, "pace": pace}
    return None


def _power(situation: Situation) -> Facts | None:
    for gpu in situation.gpus:
        power, limit = gpu.power_w, gpu.power_limit_w
        if POWER_CAP not in gpu.throttle or power is None or not limit or not situation.running:
            continue
        if power >= AT_THE_LIMIT * limit:
            return {"index": str(gpu.index), "power": f"{power:.0f}", "limit": f"{limit:.0f}"}
    return None


def _ollama(situation: Situation) -> Facts | None:
    return _largest(situation, lambda owner: owner == "ollama")


def _other(situation: Situation) -> Facts | None:
    return _largest(situation, lambda owner: owner != "ollama")


def _largest(situation: Situation, is_meant: Callable[[str], bool]) -> Facts | None:
    """Who of those that are meant holds most, if that is worth a word."""
    meant = [found for found in situation.tenants() if is_meant(found[1].owner)]
    gpu, process = max(meant, key=lambda found: found[1].memory_bytes or 0, default=(None, None))
    if gpu is None or process is None:
        return None
    held_bytes = process.memory_bytes or 0
    if held_bytes < SMALLEST_TENANT_BYTES:
        return None
    who = f"{process.name or 'a process'} (pid {process.pid}, user {process.user or 'unknown'})"
    return {"index": str(gpu.index), "held": gib(held_bytes), "who": who}


THROTTLED = Rule(
    "throttled",
    _hot,
    "GPU {index} is slowed down ({why}){at}{pace}.",
    "See to its cooling, or lower its power limit: nvidia-smi -i {index} -pl WATTS.",
    "screen.host",
)
POWER = Rule(
    "power-limited",
    _power,
    "GPU {index} draws {power} of the {limit} W that it may: its power limit sets the pace.",
    "A higher limit is faster where the card allows it: nvidia-smi -i {index} -pl WATTS.",
    "screen.host",
)
OLLAMA = Rule(
    "ollama-on-card",
    _ollama,
    "Ollama holds {held} GiB of GPU {index}.",
    "Unloaded, it leaves that to the next start.",
    "ollama.unload",
)
TENANT = Rule(
    "tenant-on-card",
    _other,
    "{who} holds {held} GiB of GPU {index}, and shares its time.",
    "Ask its user, or start the server on another card.",
    "screen.host",
)
