"""From what a user types to what vLLM is told: demo model, profile, folder or Hub repository."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from vconsole.engine.command.flags import replaced
from vconsole.errors import VConsoleError
from vconsole.models import demo
from vconsole.models.profiles import Profile, find_profile

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.\-]*(?:/[\w.\-]+)?\Z")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """What to serve: `model` as vLLM takes it, `name` as clients will call it."""

    model: str
    name: str
    profile: str | None = None
    port: int | None = None
    flags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()
    holds_requests: bool = False
    plan: bool = True


def absolute_if_folder(model: str) -> str:
    """A relative path that exists, made absolute before it leaves the caller's folder."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.is_dir() else model


def resolve(given: str) -> ResolvedModel:
    """Say what `given` means; a path that is no model folder is an error with the reason."""
    profile = find_profile(given)
    return _from_profile(given, profile) if profile else _resolve_model(given)


def _resolve_model(given: str) -> ResolvedModel:
    if demo.is_demo(given):
        folder = demo.demo_folder(given)
        return ResolvedModel(str(folder), demo.demo_name(given), flags=demo.FLAGS)
    if given.startswith(("/", "./", "../", "~")):
        return ResolvedModel(_checked_folder(Path(given).expanduser()), Path(given).name)
    if not REPOSITORY.match(given):
        raise VConsoleError(
            f"{given!r} is neither a folder, a profile, nor the name of a Hub repository",
            "give a folder with a config.json, OWNER/NAME, or `demo`",
            kind="model_not_found",
        )
    return ResolvedModel(given, given.rpartition("/")[2].lower())


def _from_profile(name: str, profile: Profile) -> ResolvedModel:
    inner = _resolve_model(profile.model)
    devices = {"CUDA_VISIBLE_DEVICES": profile.devices} if profile.devices is not None else {}
    return ResolvedModel(
        inner.model,
        profile.served_name or inner.name,
        profile=name,
        port=profile.port,
        flags=replaced(inner.flags, profile.arguments()),
        env={**inner.env, **devices, **profile.env},
        fallback=profile.fallback,
        holds_requests=profile.holds_requests,
        plan=profile.plan,
    )


def _checked_folder(folder: Path) -> str:
    if not folder.is_dir():
        raise VConsoleError(
            f"there is no folder {folder}",
            "check the path; a model of the Hub is given as OWNER/NAME",
            kind="model_not_found",
        )
    if not (folder / "config.json").is_file() and not (folder / "params.json").is_file():
        raise VConsoleError(
            f"{folder} holds no config.json, so it is no model that vLLM can read",
            "give the folder that has config.json and the weights in it",
            kind="model_not_found",
        )
    return str(folder.resolve())
