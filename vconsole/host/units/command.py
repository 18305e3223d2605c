"""The manager by `systemctl`, for where systemd runs and no bus can be reached."""

from __future__ import annotations

import asyncio
import os

from vconsole.host import systemd
from vconsole.host.units.unit import Scope, UnitState, failed, not_permitted

SHOWN = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "StatusText"),
    *("MainPID", "NRestarts", "DropInPaths", "ConditionResult"),
)
TIMEOUT_S = 100.0
# What systemctl says where polkit or a file's mode refuses it (systemd 252).
REFUSALS = ("Access denied", "authentication required", "Permission denied", "Not permitted")


class CommandManager:
    """A process of `systemctl` for each call."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def unit(self, name: str) -> UnitState:
        said = await self._ask("show", f"--property={','.join(SHOWN)}", name)
        pairs = (line.partition("=") for line in said.splitlines())
        found = {key: value for key, _, value in pairs}
        return UnitState(
            name=name,
            scope=self.scope,
            load_state=found.get("LoadState", ""),
            active_state=found.get("ActiveState", ""),
            sub_state=found.get("SubState", ""),
            unit_file_state=found.get("UnitFileState", ""),
            fragment_path=found.get("FragmentPath", ""),
            status_text=found.get("StatusText", ""),
            main_pid=int(found.get("MainPID") or 0),
            restarts=int(found.get("NRestarts") or 0),
            drop_ins=tuple(found.get("DropInPaths", "").split()),
            condition_met={"yes": True, "no": False}.get(found.get("ConditionResult", "")),
        )

    async def start(self, name: str) -> None:
        await self._ask("start", name)

    async def begin(self, name: str) -> None:
        await self._ask("start", "--no-block", name)

    async def stop(self, name: str) -> None:
        await self._ask("stop", name)

    async def enable(self, name: str) -> None:
        await self._ask("enable", name)

    async def disable(self, name: str) -> None:
        await self._ask("disable", name)

    async def reload(self) -> None:
        await self._ask("daemon-reload")

    async def forget_failure(self, name: str) -> None:
        await self._ask("reset-failed", name)

    async def close(self) -> None:
        """Nothing is held open."""

    async def _ask(self, verb: str, *arguments: str) -> str:
        whose = ("--user",) if self.scope is Scope.USER else ()
        try:
            child = await asyncio.create_subprocess_exec(
                *("systemctl", *whose, "--no-ask-password", verb, *arguments),
                env={**os.environ, **systemd.bus_environment(os.geteuid()), "LC_ALL": "C"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            said, complained = await asyncio.wait_for(child.communicate(), TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            raise failed(verb, " ".join(arguments), str(error)) from error
        if child.returncode == 0:
            return said.decode(errors="replace")
        why = " ".join(complained.decode(errors="replace").split())
        if any(word in why for word in REFUSALS):
            raise not_permitted(self.scope, verb, *arguments)
        raise failed(verb, " ".join(arguments), why)
