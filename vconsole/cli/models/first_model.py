"""On a GPU host: which model to begin with, who else holds the card, and a question first."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from vconsole import settings
from vconsole.cli.output import gib, say
from vconsole.engine.find import find_engine
from vconsole.host.cuda import visible_cards
from vconsole.host.gpu import GpuReader
from vconsole.host.ollama import api as ollama
from vconsole.host.readings import Gpu, Host
from vconsole.models.proposal import Proposal, propose
from vconsole.supervisor.models.cards import card_of_host

# Ollama's runner ends some time after the answer that its model is unloaded.
UNLOADED_WITHIN_S = 15.0
POLL_S = 0.2
# The driver gives back a little less than Ollama said that it held.
NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class FirstModel:
    """What the user agreed to, with the variables that choose the card."""

    model: str
    flags: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


def choose_first_model() -> FirstModel | None:
    """Propose a model for the freest card and ask; None means the demo model."""
    with GpuReader() as reader:
        while True:
            cards = _usable_cards(reader)
            if not cards:
                return None
            card = max(cards, key=_free_bytes)
            loaded = _tell(card)
            proposal = propose(card_of_host([card], Host()).card, _engine_version())
            answer = _ask(proposal, loaded)
            if answer != "u":
                break
            _unload(loaded, reader)
    if answer == "n":
        raise click.Abort
    if proposal is None or answer == "d":
        return None
    return FirstModel(proposal.model, proposal.flags, _on(card, cards))


def _engine_version() -> str | None:
    engine = find_engine(settings.load())
    return engine.version if engine else None


def _usable_cards(reader: GpuReader) -> list[Gpu]:
    """The cards that a server could use; what keeps the others away is said."""
    reading = reader.read()
    if reading.note:
        say(reading.note)
    visible = visible_cards(reading.gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    return [card for card in visible if card.memory_total_bytes and card.memory_free_bytes]


def _tell(card: Gpu) -> list[ollama.LoadedModel]:
    """Say who is on the card; returns what Ollama has loaded on any."""
    say(
        f"GPU {card.index}: {card.name}, {gib(_free_bytes(card))} of "
        f"{gib(card.memory_total_bytes)} free"
    )
    for process in card.processes:
        size = gib(process.memory_bytes)
        say(f"  {process.name or 'unknown'} (pid {process.pid}, {process.user}) holds {size}")
    models = ollama.loaded_models()
    if models is None and any(process.owner == "ollama" for process in card.processes):
        say(f"  no Ollama answers at {ollama.ollama_url()}; OLLAMA_HOST says where it listens")
    return [model for model in models or () if model.size_vram]


def _ask(proposal: Proposal | None, loaded: list[ollama.LoadedModel]) -> str:
    choices = {"d": "the demo model (nothing to download)", "n": "nothing"}
    if proposal:
        say(f"proposed: {proposal.model}")
        say(f"  {proposal.why}")
        say(f"  started with {' '.join(proposal.flags)}")
        size_gb = proposal.weights_bytes / 10**9
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


def _unload(loaded: list[ollama.LoadedModel], reader: GpuReader) -> None:
    """Have Ollama let go, and wait until the cards show it."""
    before = _all_free_bytes(reader.read().gpus)
    for model in loaded:
        ollama.unload(model.name)
        say(f"unloaded {model.name} from Ollama; `ollama run {model.name}` loads it again")
    wanted = NEARLY_ALL * sum(model.size_vram for model in loaded)
    deadline_s = time.monotonic() + UNLOADED_WITHIN_S
    while (freed := _all_free_bytes(reader.read().gpus) - before) < wanted:
        if time.monotonic() > deadline_s:
            say(f"the driver shows only {gib(max(0, freed))} of it free after a while")
            return
        time.sleep(POLL_S)


def _on(card: Gpu, cards: list[Gpu]) -> dict[str, str]:
    """The variables that keep a server to `card`; NVML numbers cards by their place on the bus."""
    if len(cards) == 1 or "CUDA_VISIBLE_DEVICES" in os.environ:
        return {}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(card.index)}


def _free_bytes(card: Gpu) -> int:
    return card.memory_free_bytes or 0


def _all_free_bytes(cards: Iterable[Gpu]) -> int:
    return sum(_free_bytes(card) for card in cards)
