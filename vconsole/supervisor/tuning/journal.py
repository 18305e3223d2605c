"""The tuner's journal: what it is about, then a trial a line; nothing else is kept, or true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vconsole.requests.bench.model import Lengths, Load, ServiceLevel
from vconsole.supervisor.journal_file import JournalFile
from vconsole.supervisor.tuning.model import Setting, Trial

FILES = JournalFile("tune", "search", "tuning", "`vconsole status` shows what runs now")


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
        journal = cls(FILES.fresh(header.subject.server), header)
        journal._append(Line(header=header))
        return journal

    @classmethod
    def found(cls, server: str) -> Journal | None:
        """The unfinished search of this server; a journal that cannot be read is an error."""
        path = FILES.path(server)
        lines = FILES.read(path, Line)
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
        return FILES.keep(self.path, self.header.begun_at)

    def _append(self, line: Line) -> None:
        FILES.append(self.path, line)


def refuse_other(found: Header, wanted: Subject) -> None:
    """Refuse (exit code 5) to go on with a search that was about something else."""
    FILES.refuse_other(wanted.server, found.subject, wanted, "what ran before")
