"""What a swap leaves on disk beside the record: the variables of each server that may run in it.

Secrets are among them, so they lie in a 0600 file and never in the record. It is written before the
transaction begins and removed after its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.files import write_atomically
from vconsole.supervisor.model import SwapRequest
from vconsole.supervisor.servers.record import SwapStage, Transaction
from vconsole.supervisor.servers.starts.launch import PreparedLaunch


@dataclass(frozen=True, slots=True)
class Environments:
    """Variables of the old server, and of each candidate in order.

    `scheduled` is the request of a swap that waits for jobs or idleness, variables and all.
    """

    old: dict[str, str]
    candidates: tuple[dict[str, str], ...]
    scheduled: SwapRequest | None = None


def environments_path(name: str) -> Path:
    return paths.server_dir(name) / "swap-environments.json"


def save_environments(name: str, environments: Environments) -> None:
    write_atomically(environments_path(name), msgspec.json.encode(environments))


def forget_environments(name: str) -> None:
    environments_path(name).unlink(missing_ok=True)


def scheduled(name: str) -> SwapRequest | None:
    """What was asked for where that was to wait; None where it was not, or cannot be read."""
    try:
        return _known(name).scheduled
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _known(name: str) -> Environments:
    return msgspec.json.decode(environments_path(name).read_bytes(), type=Environments)


def prepared_now(name: str, transaction: Transaction) -> PreparedLaunch:
    """What the stage of `transaction` wants to run; an error where its variables cannot be read.

    To go on without them could start a server without its key.
    """
    try:
        known = _known(name)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VConsoleError(
            f"the swap of {name} cannot go on: {environments_path(name)} cannot be read ({error})",
            "`vconsole start MODEL` starts what should serve",
            kind="unreadable_environment",
        ) from error
    if transaction.stage is SwapStage.RETURNING:
        return PreparedLaunch(transaction.old, known.old)
    tried = transaction.tried
    return PreparedLaunch(transaction.candidates[tried], known.candidates[tried])
