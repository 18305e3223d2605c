"""On a GPU host: which model to begin with, who else holds the card, and a question first."""

from __future__ import annotations

from dataclasses import dataclass

import click

from vconsole.cli.output import gib, say
from vconsole.host import ollama
from vconsole.host.gpu import GpuReader
from vconsole.host.readings import Gpu
from vconsole.models.proposal import Proposal, propose


@dataclass(frozen=True, slots=True)
class FirstModel:
    """What the user agreed to; None means the demo model."""

    model: str
    flags: tuple[str, ...]


def choose_first_model() -> FirstModel | None:
    """Propose a model for the freest card and ask; without a usable card the answer is None."""
    while True:
        card = _freest(GpuReader().read().gpus)
        if card is None:
            return None
        _tell(card)
        loaded = [model for model in ollama.loaded_models() or () if model.size_vram]
        proposal = propose(_free_bytes(card), card.memory_total_bytes or 0)
        answer = _ask(proposal, loaded)
        if answer != "u":
            break
        for model in loaded:
            ollama.unload(model.name)
            say(f"unloaded {model.name} from Ollama; `ollama run {model.name}` loads it again")
    if proposal is None or answer == "d":
        return None
    if answer == "n":
        raise click.Abort
    return FirstModel(proposal.candidate.model, proposal.flags)


def _tell(card: Gpu) -> None:
    say(
        f"GPU {card.index}: {card.name}, {gib(_free_bytes(card))} of "
        f"{gib(card.memory_total_bytes)} free"
    )
    for process in card.processes:
        size = gib(process.memory_bytes)
        say(f"  {process.name or 'unknown'} (pid {process.pid}, {process.user}) holds {size}")


def _ask(proposal: Proposal | None, loaded: list[ollama.LoadedModel]) -> str:
    choices = {"d": "the demo model (nothing to download)", "n": "nothing"}
    if proposal:
        say(f"proposed: {proposal.candidate.model}")
        say(f"  {proposal.why}")
        say(f"  started with {' '.join(proposal.flags)}")
        size_gb = proposal.candidate.weights_bytes / 10**9
        choices = {"y": f"download {size_gb:.1f} GB unless it is there, and start it", **choices}
    else:
        say("no model of the short list fits the memory that is free")
    if loaded:
        held = gib(sum(model.size_vram for model in loaded))
        names = ", ".join(model.name for model in loaded)
        choices["u"] = f"first unload {names} from Ollama, which frees {held}"
    for key, words in choices.items():
        say(f"  {key}  {words}")
    return str(click.prompt("start", type=click.Choice(list(choices)), default="d", err=True))


def _freest(cards: tuple[Gpu, ...]) -> Gpu | None:
    known = [
        card for card in cards if card.memory_total_bytes and card.memory_used_bytes is not None
    ]
    return max(known, key=_free_bytes, default=None)


def _free_bytes(card: Gpu) -> int:
    return (card.memory_total_bytes or 0) - (card.memory_used_bytes or 0)
