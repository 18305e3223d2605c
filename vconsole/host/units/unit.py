"""What is known of a unit, and what a manager of units can be asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vconsole.errors import ExitCode, VConsoleError


class Scope(StrEnum):
    """The system's manager, or the one of the user that we are."""

    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit as systemd describes it (org.freedesktop.systemd1(5)); empty strings are unknown."""

    name: str
    scope: Scope
    load_state: str = ""
    active_state: str = ""
    sub_state: str = ""
    unit_file_state: str = ""
    fragment_path: str = ""
    status_text: str = ""
    main_pid: int = 0
    restarts: int = 0
    drop_ins: tuple[str, ...] = ()
    condition_met: bool | None = None

    @property
    def exists(self) -> bool:
        return self.load_state not in ("", "not-found")

    @property
    def active(self) -> bool:
        return self.active_state in ("active", "activating", "reloading")

    @property
    def enabled(self) -> bool:
        return self.unit_file_state.startswith("enabled")


class UnitManager(Protocol):
    """Every verb returns when systemd took it on; one that is not permitted raises `not_permitted`.

    `stop` and `start` wait until the unit's job has ended.
    """

    scope: Scope

    async def unit(self, name: str) -> UnitState: ...

    async def start(self, name: str) -> None: ...

    async def begin(self, name: str) -> None:
        """Have it started, and do not wait."""
        ...

    async def stop(self, name: str) -> None: ...

    async def enable(self, name: str) -> None: ...

    async def disable(self, name: str) -> None: ...

    async def reload(self) -> None: ...

    async def forget_failure(self, name: str) -> None: ...

    async def close(self) -> None: ...


def command_of(scope: Scope, verb: str, *units: str) -> str:
    """The same by hand, to copy."""
    who = "systemctl --user" if scope is Scope.USER else "sudo systemctl"
    return " ".join((who, verb, *units))


def not_permitted(scope: Scope, verb: str, *units: str) -> VConsoleError:
    """The refusal of polkit (or of file modes), with what an administrator would type."""
    return VConsoleError(
        f"systemd does not let you {verb} {' '.join(units)}".rstrip() + ": it wants a password",
        command_of(scope, verb, *units),
        ExitCode.REFUSED,
        kind="not_permitted",
    )


def failed(verb: str, name: str, why: str) -> VConsoleError:
    return VConsoleError(
        f"systemd could not {verb} {name}: {why}", f"see: systemctl status {name}", kind="systemd"
    )
