"""Profiles: named launch configurations in `profiles.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError


@dataclass(frozen=True, slots=True)
class Profile:
    """One table of the file; `flags` maps a vLLM flag without its dashes to its value."""

    model: str
    served_name: str | None = None
    port: int | None = None
    devices: str | None = None
    flags: dict[str, str | int | float | bool] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()

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
        return msgspec.convert(tables, type=dict[str, Profile])
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise VConsoleError(
            f"cannot read the profiles {path}: {error}",
            "mend or move that file; each [NAME] needs at least a model",
            ExitCode.USAGE,
        ) from error


def _argument(name: str, value: str | int | float | bool) -> tuple[str, ...]:
    flag = name.replace("_", "-")
    if value is True:
        return (f"--{flag}",)
    if value is False:
        return (f"--no-{flag}",)
    return (f"--{flag}", str(value))
