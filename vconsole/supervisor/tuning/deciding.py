"""What is kept of a search: the chosen profile written, the old one beside it, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profile_file import remove_profile, save_profile
from vconsole.models.profile_flags import table_of
from vconsole.models.profiles import Profile, find_profile
from vconsole.supervisor.tuning.journal import FILES, Line

BEFORE = "-before-tune"


@dataclass(frozen=True, slots=True)
class Written:
    """A profile that was written, and the name under which the one before it is kept."""

    name: str
    before: str
    path: Path


def name_for(profile: str | None, served_name: str) -> str:
    """The profile that is served, else one called after the model."""
    return profile or f"{served_name}-tuned"


def write(name: str, as_it_ran: Profile, chosen: tuple[str, ...]) -> Written:
    """Write `name` with the chosen flags; what it was, or what ran, is kept beside it."""
    old = find_profile(name) or as_it_ran
    before = f"{name}{BEFORE}"
    save_profile(before, old)
    path = save_profile(name, replace(old, flags=table_of(chosen)))
    return Written(name, before, path)


def before_tune(name: str) -> Profile:
    """What `name` was before it was tuned; an error where nothing of that is kept."""
    before = f"{name}{BEFORE}"
    old = find_profile(before)
    if old is None:
        raise VConsoleError(
            f"there is no profile {before} to go back to",
            "`vconsole profile list` shows those there are",
            ExitCode.REFUSED,
            kind="nothing_to_undo",
        )
    return old


def take_back(name: str) -> Profile:
    """Give `name` back what it was before it was tuned."""
    old = before_tune(name)
    save_profile(name, old)
    remove_profile(f"{name}{BEFORE}")
    return old


def last_written(server: str) -> str | None:
    """The profile that the last search of this server wrote, if that was not taken back."""
    for kept in reversed(FILES.kept(server)):
        end = _end_of(kept)
        if end is not None and end.end is not None and end.end.profile:
            name = end.end.profile
            return name if find_profile(f"{name}{BEFORE}") else None
    return None


def _end_of(journal: Path) -> Line | None:
    try:
        return msgspec.json.decode(journal.read_bytes().splitlines()[-1], type=Line)
    except (OSError, IndexError, msgspec.MsgspecError):
        return None
