"""The advisor: what limits a server now, with the figure that says so and what acts on it.

Arithmetic on the supervisor's own page, so that console, `status` and scripts say the same.
"""

from __future__ import annotations

from vconsole.supervisor.advice import card, limits, waste
from vconsole.supervisor.advice.rule import Rule
from vconsole.supervisor.advice.situation import situation_of
from vconsole.supervisor.model import Advice, Status

# What matters most first.
RULES: tuple[Rule, ...] = (
    card.THROTTLED,
    limits.KV,
    limits.SEATS,
    limits.PROMPTS,
    limits.COMPUTE,
    limits.CPU,
    card.POWER,
    limits.QUEUE,
    limits.BANDWIDTH,
    limits.CLIENTS,
    card.OLLAMA,
    card.TENANT,
    waste.CACHE_OFF,
    waste.CACHE_UNUSED,
    waste.CONTEXT,
)


def advise(status: Status) -> tuple[Advice, ...]:
    """Every rule that speaks of the server that `status` is seen from, what matters most first."""
    situation = situation_of(status)
    if situation is None:
        return ()
    spoken = (rule.speak(situation) for rule in RULES)
    return tuple(advice for advice in spoken if advice)
