"""The journal of a proof: what it is about, then a line for each thing that was found.

Nothing else is kept: what was measured, why something could not be, what either side holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from vconsole.requests.bench.model import Lengths, Load, Measured
from vconsole.requests.bench.plan import HostFacts
from vconsole.supervisor.journal_file import JournalFile
from vconsole.supervisor.proving.model import Leg, Side
from vconsole.supervisor.proving.rival import Rival
from vconsole.supervisor.proving.room import Noted
from vconsole.supervisor.tuning.model import Setting

FILES = JournalFile(
    "prove",
    "proof",
    "proving",
    "`vconsole status` shows what runs now, `vconsole ollama status` what was taken from Ollama",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is put to the proof; measurements of one subject may stand beside each other."""

    server: str
    model: str
    served_name: str
    engine: str
    rival_url: str | None
    rival_model: str | None
    workload: str
    load: Load
    repeats: int


@dataclass(frozen=True, slots=True)
class Header:
    """The first line; `before` ran when it began, `sampler_given` with that value of its variable.

    `missing` is of the legs that this host cannot measure, `lengths` as in the tuner's journal.
    """

    subject: Subject
    before: Setting
    begun_at: datetime
    ours: Side
    rival: Rival | None = None
    profile: str | None = None
    sampler_given: str | None = None
    ollama: Noted = field(default_factory=Noted)
    host: HostFacts = field(default_factory=HostFacts)
    lengths: tuple[Lengths, ...] = ()
    missing: dict[Leg, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Took:
    """One repeat of a leg; `salt` says which prompts it was asked. A later one takes its place."""

    leg: Leg
    repeat: int
    salt: str
    measured: Measured


@dataclass(frozen=True, slots=True)
class Missed:
    leg: Leg
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """Exactly one of them; `rests` is whether we have stopped our server, `ended` the end."""

    header: Header | None = None
    took: Took | None = None
    missed: Missed | None = None
    ours: Side | None = None
    rival: Side | None = None
    rests: bool | None = None
    ended: datetime | None = None


class Journal:
    """One proof on disk; closed it is kept beside those before it."""

    def __init__(self, path: Path, header: Header, lines: list[Line]) -> None:
        self.path, self.header, self._lines = path, header, lines

    @classmethod
    def begin(cls, header: Header) -> Journal:
        journal = cls(FILES.fresh(header.subject.server), header, [])
        journal.add(Line(header=header))
        return journal

    @classmethod
    def found(cls, server: str) -> Journal | None:
        """The unfinished proof of this server."""
        return cls.read(FILES.path(server))

    @classmethod
    def last(cls, server: str) -> Journal | None:
        """The latest finished proof of this server."""
        kept = FILES.kept(server)
        return cls.read(kept[-1]) if kept else None

    @classmethod
    def read(cls, path: Path) -> Journal | None:
        """None where there is none; an error where it cannot be read."""
        lines = FILES.read(path, Line)
        header = next((line.header for line in lines if line.header), None)
        return None if header is None else cls(path, header, lines)

    @property
    def series(self) -> dict[Leg, tuple[Measured, ...]]:
        """What was measured, by leg, in the order of the repeats."""
        by_leg: dict[Leg, dict[int, Measured]] = {}
        for took in self._took:
            by_leg.setdefault(took.leg, {})[took.repeat] = took.measured
        return {leg: tuple(m for _, m in sorted(found.items())) for leg, found in by_leg.items()}

    @property
    def missing(self) -> dict[Leg, str]:
        missed = (line.missed for line in self._lines if line.missed)
        return {**self.header.missing, **{one.leg: one.why for one in missed}}

    @property
    def sides(self) -> tuple[Side, Side | None]:
        """Both as they were when they served; before that as far as they were known."""
        ours = [line.ours for line in self._lines if line.ours]
        theirs = [line.rival for line in self._lines if line.rival]
        rival = self.header.rival
        known = Side(rival.name, rival.model or "", rival.version) if rival else None
        return (ours or [self.header.ours])[-1], theirs[-1] if theirs else known

    @property
    def rests(self) -> bool:
        """Whether we stopped our server and have not started it again."""
        said = [line.rests for line in self._lines if line.rests is not None]
        return bool(said and said[-1])

    @property
    def repeats_done(self) -> int:
        return len({(took.leg, took.repeat) for took in self._took})

    def has(self, leg: Leg, repeat: int) -> bool:
        """Whether it was measured, or cannot be."""
        return leg in self.missing or self.salt_of(leg, repeat) is not None

    def salt_of(self, leg: Leg, repeat: int) -> str | None:
        """Which prompts this repeat was asked, where it was."""
        of_it = [took.salt for took in self._took if (took.leg, took.repeat) == (leg, repeat)]
        return of_it[-1] if of_it else None

    def add(self, line: Line) -> None:
        """On disk when this returns."""
        FILES.append(self.path, line)
        self._lines.append(line)

    def close(self) -> Path:
        """The end: kept under the instant of its beginning; returns where."""
        self.add(Line(ended=datetime.now(UTC)))
        self.path = FILES.keep(self.path, self.header.begun_at)
        return self.path

    @property
    def _took(self) -> list[Took]:
        return [line.took for line in self._lines if line.took]


def refuse_other(found: Header, wanted: Subject) -> None:
    """Refuse (exit code 5) to go on with a proof that was about something else."""
    FILES.refuse_other(wanted.server, found.subject, wanted, "what was before")
