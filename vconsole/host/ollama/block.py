"""Keeping Ollama's unit from starting, durably: a condition in a drop-in, and the file it asks for.

`systemctl mask` fails on a unit that lies in /etc/systemd/system, where Ollama's installer puts
it, and the installer undoes `disable`; a condition survives both (systemd.unit(5)).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.units import Scope

DROP_IN = "50-vconsole.conf"


@dataclass(frozen=True, slots=True)
class Block:
    """The two files that keep `unit` of that scope from starting."""

    unit: str
    scope: Scope

    @property
    def drop_in(self) -> Path:
        return _units_folder(self.scope) / f"{self.unit}.d" / DROP_IN

    @property
    def flag(self) -> Path:
        name = f"{self.unit.removesuffix('.service')}.disabled"
        if self.scope is Scope.SYSTEM:
            return Path("/etc/vconsole") / name
        return _config_home() / "vconsole" / name

    @property
    def content(self) -> str:
        return (
            "# Written by `vconsole ollama block`; `vconsole ollama restore` removes it.\n"
            f"[Unit]\nConditionPathExists=!{self.flag}\n"
        )

    @property
    def in_force(self) -> bool:
        return os.path.exists(self.drop_in) and os.path.exists(self.flag)

    @property
    def is_written(self) -> bool:
        """Whether anything of it is there."""
        return os.path.exists(self.drop_in) or os.path.exists(self.flag)

    @property
    def command(self) -> str:
        """What `write` does, by hand, to copy."""
        lines = f"printf '[Unit]\\nConditionPathExists=!{self.flag}\\n'"
        return (
            f"{self._sudo}mkdir -p {self.drop_in.parent} {self.flag.parent}"
            f" && {lines} | {self._sudo}tee {self.drop_in} && {self._sudo}touch {self.flag}"
        )

    @property
    def removing_command(self) -> str:
        """What `remove` does, by hand, to copy."""
        folders = f"{self.drop_in.parent} {self.flag.parent}"
        return (
            f"{self._sudo}rm -f {self.flag} {self.drop_in}"
            f" && {self._sudo}rmdir --ignore-fail-on-non-empty {folders}"
        )

    @property
    def _sudo(self) -> str:
        return "sudo " if self.scope is Scope.SYSTEM else ""

    def write(self) -> None:
        """Put both files there; refused with the commands where we may not."""
        try:
            for folder in (self.drop_in.parent, self.flag.parent):
                if not folder.exists():
                    folder.mkdir(parents=True)
                    # Everybody may see why it does not start, whatever our umask is.
                    folder.chmod(0o755)
            self.drop_in.write_text(self.content)
            self.drop_in.chmod(0o644)
            self.flag.touch()
        except PermissionError as error:
            raise VConsoleError(
                f"you may not write {error.filename}",
                self.command,
                ExitCode.REFUSED,
                kind="not_permitted",
            ) from error

    def remove(self) -> None:
        """Take both away, and the folder of the drop-in where nothing else is in it."""
        try:
            self.flag.unlink(missing_ok=True)
            self.drop_in.unlink(missing_ok=True)
        except PermissionError as error:
            raise VConsoleError(
                f"you may not remove {error.filename}",
                self.removing_command,
                ExitCode.REFUSED,
                kind="not_permitted",
            ) from error
        for folder in (self.drop_in.parent, self.flag.parent):
            if folder.is_dir() and not any(folder.iterdir()) and os.access(folder, os.W_OK):
                folder.rmdir()


def _units_folder(scope: Scope) -> Path:
    if scope is Scope.SYSTEM:
        return Path("/etc/systemd/system")
    return _config_home() / "systemd" / "user"


def _config_home() -> Path:
    """Where the user's manager looks: its own environment counts, which is not ours."""
    return Path.home() / ".config"
