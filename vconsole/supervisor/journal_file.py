"""The file of a long search on a server: begun, gone on with after a death, kept when it is over.

A line is appended whole and synced; a torn last one is what a death left, and is not read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.line_file import append_line, whole_lines

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class JournalFile:
    """Where the journals of a `verb` (`tune`) lie, and what one is called in messages (`search`).

    `looks` are the commands that say what a ruined journal would have said.
    """

    verb: str
    noun: str
    folder: str
    looks: str

    def path(self, server: str) -> Path:
        """Of the unfinished one."""
        return paths.state_dir() / self.folder / f"{server}.jsonl"

    def fresh(self, server: str) -> Path:
        """The path of a new one, whose folder is there and which is not there yet."""
        path = self.path(server)
        paths.private_folder(paths.state_dir())
        paths.private_folder(path.parent)
        path.unlink(missing_ok=True)
        return path

    def read(self, path: Path, kind: type[Line]) -> list[Line]:
        """Its lines, none where there is no file; an error where they cannot be read."""
        try:
            return [msgspec.json.decode(line, type=kind) for line in whole_lines(path) or ()]
        except msgspec.MsgspecError as error:
            raise VConsoleError(
                f"the journal of a {self.noun} {path} cannot be read: {error}",
                f"move it away; {self.looks}",
            ) from error

    def append(self, path: Path, line: object) -> None:
        """On disk when this returns."""
        try:
            append_line(path, msgspec.json.encode(line))
        except OSError as error:
            raise VConsoleError(
                f"cannot write the journal of a {self.noun} {path}: {error.strerror}",
                f"make room; what is written there is not lost, and `vconsole {self.verb}` goes on",
            ) from error

    def keep(self, path: Path, begun_at: datetime) -> Path:
        """Put it beside those before it, under the instant of its beginning; returns where."""
        kept = path.with_name(f"{path.stem}-{begun_at:%Y%m%dT%H%M%S}.jsonl")
        path.replace(kept)
        return kept

    def kept(self, server: str) -> list[Path]:
        """The finished ones, the oldest first."""
        path = self.path(server)
        return sorted(path.parent.glob(f"{path.stem}-[0-9]*T[0-9]*.jsonl"))

    def refuse_other(
        self, server: str, found: DataclassInstance, wanted: DataclassInstance, undo: str
    ) -> None:
        """Refuse (exit code 5) to go on with one that was about something else."""
        if found == wanted:
            return
        other = [each.name for each in fields(found) if _differ(found, wanted, each.name)]
        raise VConsoleError(
            f"an unfinished {self.noun} of {server} was about something else ({', '.join(other)})",
            f"call it as it was called then; or `vconsole {self.verb} --undo` gives back {undo}",
            ExitCode.REFUSED,
            kind=f"other_{self.noun}",
        )


def _differ(one: Any, other: Any, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))
