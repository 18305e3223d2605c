"""Taking a model out of the cache, unless somebody needs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.hub.cache import plan_removal, remove, repository_folder
from vconsole.supervisor.model import RemovedModel


def remove_model(
    name: str, cache: Path, used: Mapping[str, str], pulled: frozenset[str], dry_run: bool
) -> RemovedModel:
    """Remove `name` from `cache`; `used` is what each running server serves, by server."""
    planned = plan_removal(name, cache)
    folder = repository_folder(name, cache)
    for server, model in used.items():
        if model == name or Path(model).is_relative_to(folder):
            raise VConsoleError(
                f"{name} is what the server {server} serves",
                f"stop it first: vconsole stop --name {server}",
                ExitCode.REFUSED,
                "in_use",
            )
    if name in pulled:
        raise VConsoleError(
            f"{name} is being pulled", "cancel the pull first", ExitCode.REFUSED, "in_use"
        )
    if not dry_run:
        remove(name, cache)
    return RemovedModel(name, planned.path, planned.freed_bytes, removed=not dry_run)
