"""Whether a model fits a card, before anything is started: facts and wishes in, a plan out.

Names are imported when they are first used: everybody needs the words of a plan, few its making.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vconsole.models.fit.facts import ModelFacts
    from vconsole.models.fit.flags import wishes_from
    from vconsole.models.fit.ledger import MeasuredStart
    from vconsole.models.fit.planning import make_plan
    from vconsole.models.fit.reading import facts_from_config, read_facts

__all__ = [
    "MeasuredStart",
    "ModelFacts",
    "facts_from_config",
    "make_plan",
    "read_facts",
    "wishes_from",
]

MODULES = {
    "MeasuredStart": "ledger",
    "ModelFacts": "facts",
    "facts_from_config": "reading",
    "make_plan": "planning",
    "read_facts": "reading",
    "wishes_from": "flags",
}


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
