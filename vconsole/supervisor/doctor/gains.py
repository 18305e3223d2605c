"""What fixes really brought on this machine: speeds before and after, kept in a small file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.supervisor.files import write_atomically


@dataclass(frozen=True, slots=True)
class Gain:
    """Generated tokens per second of the same load before and after a fix."""

    before_tokens_per_s: float
    after_tokens_per_s: float
    at: datetime
    engine: str = ""

    @property
    def words(self) -> str:
        change = self.after_tokens_per_s / self.before_tokens_per_s - 1
        return (
            f"measured {self.at:%Y-%m-%d}: {self.before_tokens_per_s:,.0f} to "
            f"{self.after_tokens_per_s:,.0f} tokens/s ({change:+.0%})"
        )


def measured_gains() -> Mapping[str, Gain]:
    """By check; nothing where nothing was measured or it cannot be read."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=dict[str, Gain])
    except (OSError, msgspec.MsgspecError):
        return {}


def keep_gain(check: str, gain: Gain) -> None:
    paths.private_folder(paths.state_dir())
    write_atomically(_path(), msgspec.json.encode({**measured_gains(), check: gain}))


def _path() -> Path:
    return paths.state_dir() / "gains.json"
