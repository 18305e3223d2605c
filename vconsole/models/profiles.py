"""Profiles: named launch configurations in `profiles.toml`."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.settings import ServiceLevelSettings

FlagValue = str | int | float | bool | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """One table of the file; `flags` maps a vLLM flag without its dashes to its value.

    `fallback` is what to serve, in that order, where memory does not suffice for it;
    `holds_requests` keeps requests that arrive during a swap to it, instead of refusing them.
    `service_level` has targets in place of those of the settings, by the same names.
    With `plan = false` nothing is added to its flags. A table is given to vLLM as JSON, a list as
    several values.
    """

    model: str
    served_name: str | None = None
    port: int | None = None
    devices: str | None = None
    flags: dict[str, FlagValue] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()
    holds_requests: bool = False
    plan: bool = True
    service_level: dict[str, float] = field(default_factory=dict)

    def arguments(self) -> tuple[str, ...]:
        """The flags as vLLM's command line wants them; `false` becomes `--no-FLAG`."""
        return tuple(part for item in self.flags.items() for part in _argument(*item))


def find_profile(name: str, path: Path | None = None) -> Profile | None:
    return load_profiles(path).get(name)


def load_profiles(path: Path | None = None) -> dict[str, Profile]:
    """All profiles; a file that cannot be read is a usage error that names the place."""
    path = path or paths.profiles_file()
    try:
        with path.open("rb") as file:
            tables: dict[str, Any] = tomllib.load(file)
        return _checked(msgspec.convert(tables, type=dict[str, Profile]), path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise VConsoleError(
            f"cannot read the profiles {path}: {error}",
            "fix or move that file; each [NAME] needs at least a model",
            ExitCode.USAGE,
        ) from error


def _checked(profiles: dict[str, Profile], path: Path) -> dict[str, Profile]:
    """A target that does not exist would be a promise that nobody watches."""
    known = {option.name for option in fields(ServiceLevelSettings)}
    for name, profile in profiles.items():
        if unknown := sorted(set(profile.service_level) - known):
            raise VConsoleError(
                f"[{name}.service_level] in {path} has no {', '.join(unknown)}",
                f"its targets are {', '.join(sorted(known))}",
                ExitCode.USAGE,
            )
    return profiles


def _argument(name: str, value: FlagValue) -> tuple[str, ...]:
    flag = name.replace("_", "-")
    if value is True:
        return (f"--{flag}",)
    if value is False:
        return (f"--no-{flag}",)
    if isinstance(value, dict):
        return (f"--{flag}", json.dumps(value))
    values = value if isinstance(value, list) else [value]
    return (f"--{flag}", *(json.dumps(v) if isinstance(v, dict) else str(v) for v in values))
