"""The tuner's journal: what it is about, then a trial a line; nothing else is kept, or true.

A line is appended whole and synced; a torn last one is what a death left, and is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.model import Lengths, Load, ServiceLevel
from vconsole.supervisor.line_file import append_line, whole_lines
from vconsole.supervisor.tuning.model import Setting, Trial


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tuned, and by what; trials of one subject may be compared with each other."""

    server: str
    model: str
    served_name: str
    engine: str
    workload: str
    load: Load
    repeats: tuple[int, ...]
    level: ServiceLevel | None = None
    knobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The journal's first line; `before` is what ran when it began, to be given back.

    `lengths` are those of the made prompts where they are of a history that a restart forgets.
    """

    subject: Subject
    before: Setting
    begun_at: datetime
    profile: str | None = None
    lengths: tuple[Lengths, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The journal's last line: what was decided, in a word, and the profile that was written."""

    decision: str
    at: datetime
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: exactly one of the three."""

    header: Header | None = None
    trial: Trial | None = None
    end: End | None = None


class Journal:
    """One search on disk. Closed, it is renamed by the instant of its beginning and kept."""

    def __init__(self, path: Path, header: Header, trials: tuple[Trial, ...] = ()) -> None:
        self.path, self.header, self.trials = path, header, trials

    @classmethod
    def begin(cls, header: Header) -> Journal:
        path = journal_path(header.subject.server)
        paths.private_folder(paths.state_dir())
        paths.private_folder(path.parent)
        path.unlink(missing_ok=True)
        journal = cls(path, header)
        journal._append(Line(header=header))
        return journal

    @classmethod
    def found(cls, server: str) -> Journal | None:
        """The unfinished search of this server; a journal that cannot be read is an error."""
        path = journal_path(server)
        raw = whole_lines(path)
        try:
            lines = [msgspec.json.decode(line, type=Line) for line in raw or ()]
        except msgspec.MsgspecError as error:
            raise VConsoleError(
                f"the tuner's journal {path} cannot be read: {error}",
                "move it away; `vconsole status` shows what runs now",
            ) from error
        header = next((line.header for line in lines if line.header), None)
        if header is None:
            return None
        return cls(path, header, tuple(line.trial for line in lines if line.trial))

    def known(self, setting: Setting) -> Trial | None:
        """What became of these flags, if they were tried."""
        return next((one for one in self.trials if one.setting.flags == setting.flags), None)

    def add(self, trial: Trial) -> Trial:
        self._append(Line(trial=trial))
        self.trials = (*self.trials, trial)
        return trial

    def close(self, decision: str, profile: str | None = None) -> Path:
        """Write the decision down and keep the journal beside those before; returns where."""
        self._append(Line(end=End(decision, datetime.now(UTC), profile)))
        stamp = self.header.begun_at.strftime("%Y%m%dT%H%M%S")
        kept = self.path.with_name(f"{self.path.stem}-{stamp}.jsonl")
        self.path.replace(kept)
        return kept

    def _append(self, line: Line) -> None:
        try:
            append_line(self.path, msgspec.json.encode(line))
        except OSError as error:
            raise VConsoleError(
                f"cannot write the tuner's journal {self.path}: {error.strerror}",
                "make room; what is written there is not lost, and `vconsole tune` goes on",
            ) from error


def journal_path(server: str) -> Path:
    return paths.state_dir() / "tuning" / f"{server}.jsonl"


def refuse_other(found: Header, wanted: Subject) -> None:
    """Refuse (exit code 5) to go on with a search that was about something else."""
    if found.subject == wanted:
        return
    fields = Subject.__dataclass_fields__
    other = [name for name in fields if getattr(found.subject, name) != getattr(wanted, name)]
    raise VConsoleError(
        f"an unfinished search of {wanted.server} was about something else ({', '.join(other)})",
        "call it as it was called then; or `vconsole tune --undo` gives back what ran before",
        ExitCode.REFUSED,
        kind="other_search",
    )
