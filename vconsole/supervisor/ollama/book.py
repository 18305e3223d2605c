"""The book of what was taken from Ollama, on disk, for whichever supervisor gives it back."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.supervisor.files import set_aside, write_atomically
from vconsole.supervisor.ollama.model import Rung, Taken

ORDER = tuple(Rung)
log = logging.getLogger(__name__)


def book_path() -> Path:
    return paths.state_dir() / "ollama.json"


def read() -> Taken | None:
    """What is taken now; a book that cannot be read is kept aside and said in the log."""
    try:
        return msgspec.json.decode(book_path().read_bytes(), type=Taken)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        log.warning("the book of Ollama cannot be read (%s): kept as %s", error, _aside())
        return None


def write(taken: Taken) -> Taken:
    """Add to the book: what was so before the first step stays what will be restored."""
    before = read()
    if before is not None:
        rung = max(before.rung, taken.rung, key=ORDER.index)
        taken = replace(
            taken,
            rung=rung,
            at=before.at,
            models=tuple(dict.fromkeys((*before.models, *taken.models))),
            unit=taken.unit or before.unit,
            scope=taken.scope or before.scope,
            was_active=before.was_active or taken.was_active,
            was_enabled=before.was_enabled or taken.was_enabled,
            blocked=before.blocked or taken.blocked,
            recipe=taken.recipe or before.recipe,
            keep_alive_s=taken.keep_alive_s | before.keep_alive_s,
            container=taken.container or before.container,
            engine=taken.engine or before.engine,
            waits=taken.waits and before.waits,
        )
    _put(taken)
    return taken


def settle() -> None:
    """What was asked for is done."""
    taken = read()
    if taken is not None and taken.waits:
        _put(replace(taken, waits=False))


def refused(before: Taken | None) -> None:
    """The last step was not done; with nothing taken `before`, it waits for an administrator."""
    taken = read()
    if taken is not None and before is not None and not before.waits:
        _put(replace(taken, rung=before.rung, blocked=before.blocked))


def close() -> None:
    """Everything is given back."""
    book_path().unlink(missing_ok=True)


def _put(taken: Taken) -> None:
    paths.private_folder(paths.state_dir())
    write_atomically(book_path(), msgspec.json.encode(taken))


def _aside() -> Path:
    return set_aside(book_path())
