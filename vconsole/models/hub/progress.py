"""How far a pull is: a small file that the pulling process writes and anybody may read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from vconsole.errors import ErrorBody


@dataclass(frozen=True, slots=True)
class PullProgress:
    """`state` is `running`, `done` or `failed`; sizes are None until the Hub has told them."""

    state: str
    done_bytes: int | None = None
    total_bytes: int | None = None
    path: str | None = None
    error: ErrorBody | None = None


def write_progress(path: Path, progress: PullProgress) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(msgspec.json.encode(progress))
    temporary.replace(path)


def read_progress(path: Path) -> PullProgress | None:
    """What was written last; None where nothing readable was."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PullProgress)
    except (OSError, msgspec.DecodeError):
        return None
