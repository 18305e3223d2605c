"""Asking the Hub for what the catalogue does not know, one repository after the other."""

from __future__ import annotations

import dataclasses

from vconsole.cli.output import say
from vconsole.errors import VConsoleError
from vconsole.models.catalogue import load_catalogue
from vconsole.models.catalogue.refreshed import HubFigures, load_refreshed, save_refreshed
from vconsole.models.hub.remote import ask, ask_config

# Errors after which no further repository would fare better.
HOPELESS = frozenset({"offline", "bad_token", "disk_full"})


def refresh_catalogue(names: tuple[str, ...]) -> dict[str, object]:
    """Ask for the named repositories, or for all of the catalogue; returns what `--json` prints."""
    before = load_catalogue()
    figures, _ = load_refreshed()
    wanted = names or tuple(entry.name for entry in before.entries)
    failed: dict[str, str] = {}
    asked = 0
    for name in wanted:
        try:
            figures[name] = _ask(name)
            asked += 1
        except VConsoleError as error:
            failed[name] = error.message
            say(f"{name}: {error.message}")
            if error.kind in HOPELESS:
                _save(figures, asked)
                raise
    _save(figures, asked)
    after = load_catalogue()
    changed = [entry for entry in after.entries if entry.name in wanted]
    filled = {entry.name: entry.filled for entry in changed if entry.filled}
    differs = {entry.name: entry.differs for entry in changed if entry.differs}
    for name, fields in filled.items():
        say(f"{name}: {', '.join(fields)} from the Hub")
    for name, sentences in differs.items():
        say(f"{name}: kept as curated, but {'; '.join(sentences)}")
    say(f"asked for {asked} of {len(wanted)} repositories")
    return {"asked": asked, "filled": filled, "differs": differs, "failed": failed}


def _ask(name: str) -> HubFigures:
    """The figures of a repository; a gated one gives no config to who is not let in."""
    model = ask(name)
    try:
        config = ask_config(name, model.commit)
    except VConsoleError as error:
        if error.kind in HOPELESS:
            raise
        config = None
    return dataclasses.replace(model.figures, config=config)


def _save(figures: dict[str, HubFigures], asked: int) -> None:
    if asked:
        save_refreshed(figures)
