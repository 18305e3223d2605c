"""The ledger on disk: one JSON object a line, a line for each start that became ready.

The file is written whole and put in its place at once, so a reader never sees half of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.models.fit.ledger import MeasuredStart
from vconsole.models.on_disk import identity_of

KEPT = 500


def ledger_path() -> Path:
    return paths.state_dir() / "ledger.jsonl"


def read_ledger() -> tuple[MeasuredStart, ...]:
    """All starts, oldest first; lines that are damaged are passed over."""
    try:
        lines = ledger_path().read_bytes().splitlines()
    except OSError:
        return ()
    return tuple(row for line in lines if (row := _decoded(line)) is not None)


def starts_of(model: str, folder: Path | None) -> tuple[MeasuredStart, ...]:
    """The starts of the model whose files lie in `folder`, however it was called, oldest first."""
    return read_by_model()(model, folder)


def read_by_model() -> Callable[[str, Path | None], tuple[MeasuredStart, ...]]:
    """Gives the starts of a model by its name and folder, from a file that is read once."""
    rows = read_ledger()

    def found(model: str, folder: Path | None) -> tuple[MeasuredStart, ...]:
        identity = identity_of(folder) if folder and rows else None
        place = str(folder) if folder else None
        return tuple(row for row in rows if row.is_of(model, place, identity))

    return found


def add_start(row: MeasuredStart) -> None:
    """Add a start; OSError where the disk refuses, and the ledger is then as it was."""
    path = ledger_path()
    kept = [*read_ledger(), row][-KEPT:]
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("wb") as file:
            file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in kept))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def shareable(row: MeasuredStart) -> dict[str, object]:
    """The row without what could name a person or a machine: no paths, no time of day.

    A model in a folder is told by the folder's last name; of flags only memory's are left.
    """
    data: dict[str, object] = msgspec.to_builtins(row)
    data["model"] = row.name if row.is_path else row.model
    data["identity"] = None if "@" not in (row.identity or "") else row.identity
    data["at"] = row.at[:7]
    data["flags"] = _memory_flags(row.flags)
    return data


def _memory_flags(flags: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for position, word in enumerate(flags):
        name = word.partition("=")[0]
        if name in SHARED_SWITCHES or (name in SHARED_FLAGS and "=" in word):
            kept.append(word)
        elif name in SHARED_FLAGS:
            kept += flags[position : position + 2]
    return kept


SHARED_SWITCHES = frozenset({"--enforce-eager"})
SHARED_FLAGS = frozenset(
    {
        *("--max-model-len", "--max-num-seqs", "--max-num-batched-tokens", "--dtype"),
        *("--gpu-memory-utilization", "--kv-cache-dtype", "--tensor-parallel-size"),
        *("--quantization", "--kv-cache-memory-bytes"),
    }
)


def _decoded(line: bytes) -> MeasuredStart | None:
    try:
        return msgspec.json.decode(line, type=MeasuredStart)
    except msgspec.MsgspecError:
        return None
