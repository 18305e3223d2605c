"""What keeps the files of a running batch whole: a full disk, and hands that are not ours.

A file that was removed or replaced while it was written still has its lines, as long as it is open:
they are brought to safety before it is closed, so that nothing is asked for twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.requests.batch.journal import FullDiskError, Journal, LineFile, Standing

FATES = (Standing.REMOVED, Standing.REPLACED, Standing.CUT)
MOST_COPIES = 9
KIND = "output_gone"
GO_ON = "vconsole batch resume, with the job's id"


class Writing:
    """`full` says, while it is so, that a disk takes no more."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.full: str | None = None

    def takes(self, file: LineFile, line: bytes) -> bool:
        """Hand a line to the kernel; False where the disk has no room for it now."""
        try:
            file.append(line)
        except FullDiskError as error:
            self.full = f"the disk of {file.path} takes no more: {error}"
            return False
        self.full = None
        return True

    def fault(self) -> VConsoleError | None:
        """Why the batch cannot go on into its files; None where they are as it left them."""
        for file, standing in self._damaged():
            return VConsoleError(
                f"{file.path} was {standing.value} while the batch wrote to it",
                GO_ON,
                kind=KIND,
            )
        return None

    def rescued(self, error: VConsoleError | None) -> VConsoleError | None:
        """Bring lines that have no name any more to safety, and say where they are; blocks."""
        for file, standing in self._damaged():
            message = f"{file.path} was {standing.value} while the batch wrote to it"
            if standing is Standing.CUT:
                return VConsoleError(message, f"what it lost is asked again: {GO_ON}", kind=KIND)
            place = _put_back(file, standing)
            if place is None:
                message = f"{message}; no disk takes its answers"
                return VConsoleError(
                    message, f"make room, they are asked again: {GO_ON}", kind=KIND
                )
            if place == file.path:
                message = f"{message}; its answers were put back"
                remedy = f"nothing is lost; go on: {GO_ON}"
            else:
                message = f"{message}; its answers are in {place}"
                remedy = f"move them back to {file.path.name}, then go on: {GO_ON}"
            error = VConsoleError(message, remedy, kind=KIND)
        return error

    def _damaged(self) -> Iterator[tuple[LineFile, Standing]]:
        for file in (self._journal.output, self._journal.errors):
            standing = file.standing()
            if standing in FATES:
                yield file, standing


def _put_back(file: LineFile, standing: Standing) -> Path | None:
    """The path that has its lines now: its own where that is free, else one beside it."""
    own = [file.path] if standing is Standing.REMOVED else []
    for place in [*own, *_beside(file.path), *_beside(paths.state_dir() / file.path.name)]:
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            file.copy_to(place)
            return place
    return None


def _beside(path: Path) -> list[Path]:
    """Names of which one is free: `OUT.rescued`, `OUT.rescued-1`, ..."""
    names = [".rescued", *(f".rescued-{number}" for number in range(1, MOST_COPIES))]
    return [path.with_name(path.name + name) for name in names]
