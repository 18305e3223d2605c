"""What the Hub said of models when it was last asked: a file of its own, never the catalogue's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from vconsole import paths
from vconsole.errors import VConsoleError


@dataclass(frozen=True, slots=True)
class HubFigures:
    """A repository's own word, `at` (RFC 3339) and at `commit`; None is what it does not say."""

    at: str
    commit: str | None = None
    license: str | None = None
    gated: bool | None = None
    parameters: int | None = None
    weights_bytes: int | None = None
    config: dict[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        """The figures that an entry of the catalogue may take."""
        found = dataclasses.asdict(self)
        return {k: v for k, v in found.items() if k not in ("at", "commit") and v is not None}


def refreshed_path() -> Path:
    return paths.cache_dir() / "catalogue-hub.json"


def load_refreshed() -> tuple[dict[str, HubFigures], str | None]:
    """The figures by repository, and in words why they could not be read."""
    path = refreshed_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, HubFigures]), None
    except FileNotFoundError:
        return {}, None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return {}, f"{path} cannot be read ({error}); `vconsole models refresh` makes it again"


def save_refreshed(figures: dict[str, HubFigures]) -> None:
    path = refreshed_path()
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.encode(figures))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise VConsoleError(
            f"cannot write {path}: {error.strerror}", "make room, or set XDG_CACHE_HOME"
        ) from error
