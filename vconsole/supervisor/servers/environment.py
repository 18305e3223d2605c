"""The variables that a server was started with: in a file of their own, for secrets are among them.

Apart from the record, so that whoever only draws a log knows what to hide without reading more.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.files import write_atomically

log = logging.getLogger(__name__)


def environment_path(name: str) -> Path:
    """The variables given at the start, secrets among them; mode 0600."""
    return paths.server_dir(name) / "environment.json"


def save_environment(name: str, environment: dict[str, str]) -> None:
    write_atomically(environment_path(name), msgspec.json.encode(environment))


def load_environment(name: str) -> dict[str, str]:
    """The variables given at the last start; an error where they cannot be read.

    To go on without them could start a server without its key.
    """
    path = environment_path(name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VConsoleError(
            f"the variables given to {name} cannot be read from {path}: {error}",
            "move that file away and start again with what it should say",
            kind="unreadable_environment",
        ) from error


def readable_environment(name: str) -> dict[str, str]:
    """The same for whoever only looks at a server; nothing where it cannot be read."""
    try:
        return load_environment(name)
    except VConsoleError as error:
        log.error("%s", error.message)
        return {}
