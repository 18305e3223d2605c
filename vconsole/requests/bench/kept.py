"""Benches that are kept: one JSON file each in the state folder, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.model import Measured
from vconsole.requests.bench.plan import BenchSpec, Facts, HostFacts

FORM = 1


class BenchState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one contender said to a prompt; `score` is None where nothing says what is right."""

    contender: str
    text: str
    finish_reason: str | None = None
    score: float | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """One prompt with the answers of all contenders."""

    key: str
    prompt: str
    answers: tuple[Answer, ...] = ()
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench as it is kept: what was asked, of whom, on what machine, and what came out so far."""

    id: str
    spec: BenchSpec
    begun_at: datetime
    state: BenchState = BenchState.RUNNING
    ended_at: datetime | None = None
    host: HostFacts = field(default_factory=HostFacts)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    origin: str = ""
    measured: tuple[Measured, ...] = ()
    answered: tuple[Answered, ...] = ()
    note: str | None = None
    remedy: str | None = None
    warnings: tuple[str, ...] = ()
    form: int = FORM

    @property
    def failed_requests(self) -> int:
        return sum(each.failed for each in self.measured)


def benches_dir() -> Path:
    return paths.state_dir() / "benches"


def _folder() -> Path:
    """Private, and the state folder around it as well, whoever comes first."""
    paths.private_folder(paths.state_dir())
    return paths.private_folder(benches_dir())


def path_of(bench_id: str) -> Path:
    return benches_dir() / f"{bench_id}.json"


def new_id() -> str:
    """An id that no bench had: its file is made at once, so that no two get the same."""
    folder = _folder()
    taken = [int(n) for file in folder.glob("m*.json") if (n := file.stem[1:]).isdecimal()]
    number = max(taken, default=0) + 1
    while True:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path_of(f"m{number}"), os.O_CREAT | os.O_EXCL, 0o600))
            return f"m{number}"
        number += 1


def keep(bench: Bench) -> None:
    """Write it in place of what is there; keys are left out."""
    path = path_of(bench.id)
    _folder()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    encoded = msgspec.json.format(
        msgspec.json.encode(replace(bench, spec=bench.spec.without_keys())), indent=1
    )
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encoded)
        temporary.replace(path)
    except OSError as error:
        raise VConsoleError(
            f"cannot keep the bench in {path}: {error.strerror}",
            "make room on the disk of the state folder",
        ) from error


def load(bench_id: str) -> Bench:
    """A kept one; an error where there is none, or none that this version reads."""
    found = _read(path_of(bench_id)) if _is_id(bench_id) else None
    if found is None:
        raise VConsoleError(
            f"there is no bench {bench_id}", "see: vconsole bench list", ExitCode.USAGE, "no_bench"
        )
    return found


def kept() -> tuple[Bench, ...]:
    """All that can be read, the newest first."""
    return _newest_first(_read(path) for path in benches_dir().glob("m*.json"))


def forget(bench_id: str) -> None:
    load(bench_id)
    path_of(bench_id).unlink(missing_ok=True)


def _newest_first(found: Iterable[Bench | None]) -> tuple[Bench, ...]:
    return tuple(
        sorted((each for each in found if each), key=lambda b: int(b.id[1:]), reverse=True)
    )


def _is_id(bench_id: str) -> bool:
    return bench_id[:1] == "m" and bench_id[1:].isdecimal()


def _read(path: Path) -> Bench | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Bench)
    except (OSError, msgspec.MsgspecError):
        return None


class Shelf:
    """All kept ones again and again: only files that changed since are read anew."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], Bench | None]] = {}

    def benches(self) -> tuple[Bench, ...]:
        """As `kept` gives them."""
        found = dict[Path, tuple[tuple[int, int], Bench | None]]()
        for path in benches_dir().glob("m*.json"):
            with contextlib.suppress(OSError):
                seen = path.stat()
                mark = (seen.st_ino, seen.st_mtime_ns)
                before = self._known.get(path)
                found[path] = before if before and before[0] == mark else (mark, _read(path))
        self._known = found
        return _newest_first(bench for _, bench in found.values())
