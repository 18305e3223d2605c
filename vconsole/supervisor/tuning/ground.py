"""What the tuner stands on: the server as it runs, its engine's options, the load on it."""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.engine.command.command_line import flag
from vconsole.engine.options.option import EngineOption, EngineOptions
from vconsole.models.fit.defaults import batch_defaults, version_of
from vconsole.models.fit.plan import Card

NO_CARD = Card("GPU", 0, 0)


@dataclass(frozen=True, slots=True)
class Ground:
    """`flags` are the user's, `ran` those that vLLM got, the plan's among them.

    `concurrency` requests are in flight at most, with `prompt_tokens` each in the mean.
    """

    flags: tuple[str, ...]
    ran: tuple[str, ...]
    options: EngineOptions
    concurrency: int
    prompt_tokens: float
    card: Card = NO_CARD

    def option(self, name: str) -> EngineOption | None:
        """The option where the installed engine has it."""
        return self.options.by_name.get(name)

    def in_force(self, option: str) -> int | None:
        """The number that an option has in the command line; None where it has none."""
        text = flag(self.ran, option) or ""
        return int(text) if text.isdecimal() else None

    def is_planned(self, option: str) -> bool:
        """Whether the plan, and not the user, gave this option."""
        return flag(self.ran, option) is not None and flag(self.flags, option) is None

    @property
    def defaults(self) -> tuple[int, int]:
        """vLLM's own max-num-seqs and max-num-batched-tokens on this card."""
        return batch_defaults(self.card, self.card.count, version_of(self.options.version))
