"""What is kept of a pull while it runs, and what of its caller's variables it is given."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.supervisor.files import write_atomically
from vconsole.supervisor.processes.tree import ProcessId

# What a pull may be given: the Hub's own variables, and the way to it.
GIVEN = ("HF_", "HUGGINGFACE_", "HUGGING_FACE_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
GIVEN_TOO = ("XDG_CACHE_HOME", "SSL_CERT_FILE", "http_proxy", "https_proxy", "no_proxy")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PullRecord:
    """What is kept of a pull on disk: no secret, and whose process it is."""

    id: str
    repository: str
    leader: ProcessId
    started_at: datetime
    cancelled: bool = False


def hub_environment(environ: dict[str, str]) -> dict[str, str]:
    """Of a caller's variables those that a pull needs."""
    return {k: v for k, v in environ.items() if k.startswith(GIVEN) or k in GIVEN_TOO}


def pulls_dir() -> Path:
    return paths.state_dir() / "pulls"


def save(record: PullRecord) -> None:
    write_atomically(pulls_dir() / record.id / "pull.json", msgspec.json.encode(record))


def recorded() -> Iterator[PullRecord]:
    """The pulls that earlier supervisors began and nobody has seen the end of."""
    for path in sorted(pulls_dir().glob("*/pull.json")):
        try:
            yield msgspec.json.decode(path.read_bytes(), type=PullRecord)
        except (OSError, msgspec.DecodeError) as error:
            log.warning("the pull at %s cannot be read: %s", path.parent, error)
