"""A rule of the advisor: data, and one condition on figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vconsole.supervisor.advice.situation import Situation
from vconsole.supervisor.model import Advice

Facts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` gives the facts that `text`, `remedy` and `flags` name, None where it is not so.

    `action` is the console's action that acts on it; `flags` are vLLM's, for the next start. A
    flag whose facts are missing is left out together with all others.
    """

    id: str
    when: Callable[[Situation], Facts | None]
    text: str
    remedy: str = ""
    action: str | None = None
    flags: tuple[str, ...] = ()

    def speak(self, situation: Situation) -> Advice | None:
        facts = self.when(situation)
        if facts is None:
            return None
        try:
            flags = tuple(flag.format_map(facts) for flag in self.flags)
        except KeyError:
            flags = ()
        text, remedy = self.text.format_map(facts), self.remedy.format_map(facts)
        return Advice(self.id, text, remedy, self.action, flags)


def count(value: float) -> str:
    return f"{value:,.0f}"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def gib(size_bytes: float) -> str:
    return f"{size_bytes / 2**30:.1f}"


def milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"
