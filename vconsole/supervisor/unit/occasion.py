"""Why a unit starts its supervisor now, from what the one before it left in the state folder.

A boot brings back what was wanted; a start by hand serves; after a crash nothing is started that
was not running, and `quiet` is a start for the supervisor's own sake.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.supervisor.files import write_atomically
from vconsole.supervisor.processes import tree

log = logging.getLogger(__name__)


class Occasion(StrEnum):
    BY_HAND = "by hand"
    BOOT = "boot"
    CRASH = "crash"
    QUIET = "quiet"


class Mark(StrEnum):
    """What a supervisor leaves behind: it ran; it left as it should; nothing shall be started."""

    RUNNING = "running"
    LEFT = "left"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Note:
    boot_id: str
    mark: Mark


def note_path() -> Path:
    return paths.state_dir() / "unit.json"


def occasion() -> Occasion:
    """Why we start; without a note it is the first time, which somebody asked for."""
    try:
        note = msgspec.json.decode(note_path().read_bytes(), type=Note)
    except FileNotFoundError:
        return Occasion.BY_HAND
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("%s is unreadable (%s): taken for a boot", note_path(), error)
        return Occasion.BOOT
    if note.boot_id != tree.boot_id():
        return Occasion.BOOT
    meanings = {Mark.LEFT: Occasion.BY_HAND, Mark.RUNNING: Occasion.CRASH}
    return meanings.get(note.mark, Occasion.QUIET)


def leave(mark: Mark) -> None:
    """Tell the next one; where the disk refuses, it goes by what stood there before."""
    try:
        write_atomically(note_path(), msgspec.json.encode(Note(tree.boot_id(), mark)))
    except OSError as error:
        log.warning("cannot write %s: %s", note_path(), error.strerror)


def forget() -> None:
    """The next start counts as the first."""
    note_path().unlink(missing_ok=True)
