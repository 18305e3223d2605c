"""Who is measured against: the Ollama of this host, or another server that was named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.ollama.api import is_on_this_host, ollama_url
from vconsole.host.ollama.store import stored_models
from vconsole.models.catalogue import load_catalogue
from vconsole.requests.bench.model import Target
from vconsole.requests.bench.sweep import ask_facts
from vconsole.supervisor.ollama.equivalents import equivalents
from vconsole.supervisor.ollama.model import OllamaReport

OLLAMA = "Ollama"
KEY_VARIABLE = "VCONSOLE_AGAINST_API_KEY"


@dataclass(frozen=True, slots=True)
class Rival:
    """`is_ollama` has Ollama's own routes; `beside` is that it serves while our server does."""

    name: str
    url: str
    model: str | None
    is_ollama: bool = False
    beside: bool = True
    version: str | None = None

    @property
    def target(self) -> Target:
        return Target(self.name, self.url, self.model, os.environ.get(KEY_VARIABLE))


@dataclass(frozen=True, slots=True)
class Sought:
    """What a user says of the other server, and what we serve, whose like is looked for."""

    against: str | None = None
    model: str | None = None
    ours: str = ""
    device: str = "cuda"


@dataclass(frozen=True, slots=True)
class Found:
    rival: Rival | None
    why_none: str = ""
    notes: tuple[str, ...] = field(default=())


async def find_rival(sought: Sought, ollama: OllamaReport) -> Found:
    """The one that was named, else Ollama; none where there is no Ollama, with the reason.

    One that was named and does not answer is an error; an Ollama that has no model, or several and
    none that is ours, is a usage error.
    """
    if sought.against:
        url, name = named_url(sought.against)
        rival = Rival(name, url, sought.model)
        facts = await ask_facts(rival.target)
        return Found(replace(rival, model=facts.model, version=facts.version))
    url = ollama_url()
    if not ollama.running:
        away = f"was sent away ({ollama.taken.rung}): " if ollama.taken else "is not running at "
        remedy = "`vconsole ollama restore` brings it back" if ollama.taken else url
        return Found(None, f"Ollama {away}{remedy}")
    model, notes = _model_of(sought, tuple(one.name for one in ollama.models))
    # On a card two models rarely have room at once, and would share its time.
    beside = sought.device != "cuda" or not is_on_this_host(url)
    return Found(Rival(OLLAMA, url, model, True, beside, ollama.version), notes=notes)


def named_url(given: str) -> tuple[str, str]:
    """`URL` or `URL=NAME`, as its address and its name; a `=` within the address is its own."""
    url, _, name = given.rpartition("=")
    if not url or "/" in name:
        url, name = given, ""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise VConsoleError(
            f"{url} is no address of a server",
            "give one such as http://127.0.0.1:8080",
            ExitCode.USAGE,
        )
    return url, name or urlsplit(url).netloc


def _model_of(sought: Sought, loaded: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The one that was named, the one like ours, the one in memory, the only one; else an error."""
    if sought.model:
        return sought.model, ()
    stored = stored_models()
    same = [
        one.name
        for one in equivalents(stored, load_catalogue())
        if sought.ours in {one.repository, *one.others}
    ]
    names = tuple(dict.fromkeys((*loaded, *(one.name for one in stored))))
    for one in (*loaded, *names):
        if one in same:
            return one, ()
    unlike = ("Ollama's model is not known to be the one that we serve",)
    if loaded or len(names) == 1:
        return (loaded or names)[0], unlike
    if not names:
        raise VConsoleError(
            "Ollama has no model to be measured with",
            "pull one: ollama pull MODEL; or name another server: --against URL",
            ExitCode.USAGE,
            kind="no_ollama_model",
        )
    raise VConsoleError(
        f"Ollama has several models, and none is known to be {sought.ours}",
        f"name one: --against-model MODEL   ({', '.join(names[:6])})",
        ExitCode.USAGE,
        kind="which_model",
    )
