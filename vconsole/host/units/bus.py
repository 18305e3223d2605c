"""The manager over D-Bus: one connection, the calls of org.freedesktop.systemd1(5)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError

from vconsole.errors import VConsoleError
from vconsole.host import systemd
from vconsole.host.units.unit import Scope, UnitState, failed, not_permitted

SERVICE = "org.freedesktop.systemd1"
ROOT = "/org/freedesktop/systemd1"
MANAGER = f"{SERVICE}.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
CALL_TIMEOUT_S = 30.0
JOB_TIMEOUT_S = 90.0
JOB_POLL_S = 0.1
DENIED = (
    "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
    "org.freedesktop.DBus.Error.AccessDenied",
    "org.freedesktop.DBus.Error.AuthFailed",
    "System.Error.EACCES",
    "System.Error.EPERM",
)
NO_BUS = (OSError, AuthError, DBusError, TimeoutError, EOFError)


class BusManager:
    """Connect with `BusManager.connect`; a bus that is not there raises one of `NO_BUS`."""

    def __init__(self, bus: MessageBus, scope: Scope) -> None:
        self.scope = scope
        self._bus = bus

    @classmethod
    async def connect(cls, scope: Scope) -> BusManager:
        address = None
        if scope is Scope.USER:
            address = systemd.user_bus_address(os.geteuid())
        kind = BusType.SYSTEM if scope is Scope.SYSTEM else BusType.SESSION
        bus = MessageBus(bus_address=address, bus_type=kind)
        await asyncio.wait_for(bus.connect(), CALL_TIMEOUT_S)
        return cls(bus, scope)

    async def unit(self, name: str) -> UnitState:
        (path,) = await self._call("LoadUnit", "s", [name], "look at", name)
        unit = await self._all(path, f"{SERVICE}.Unit")
        service = await self._all(path, f"{SERVICE}.Service") if name.endswith(".service") else {}
        return UnitState(
            name=name,
            scope=self.scope,
            load_state=unit.get("LoadState", ""),
            active_state=unit.get("ActiveState", ""),
            sub_state=unit.get("SubState", ""),
            unit_file_state=unit.get("UnitFileState", ""),
            fragment_path=unit.get("FragmentPath", ""),
            status_text=service.get("StatusText", ""),
            main_pid=service.get("MainPID", 0),
            restarts=service.get("NRestarts", 0),
            drop_ins=tuple(unit.get("DropInPaths", ())),
            condition_met=unit.get("ConditionResult"),
        )

    async def start(self, name: str) -> None:
        await self._job("StartUnit", "start", name)

    async def begin(self, name: str) -> None:
        await self._call("StartUnit", "ss", [name, "replace"], "start", name)

    async def stop(self, name: str) -> None:
        await self._job("StopUnit", "stop", name)

    async def enable(self, name: str) -> None:
        await self._call("EnableUnitFiles", "asbb", [[name], False, False], "enable", name)
        await self.reload()

    async def disable(self, name: str) -> None:
        await self._call("DisableUnitFiles", "asb", [[name], False], "disable", name)
        await self.reload()

    async def reload(self) -> None:
        await self._call("Reload", "", [], "daemon-reload")

    async def forget_failure(self, name: str) -> None:
        await self._call("ResetFailedUnit", "s", [name], "reset-failed", name)

    async def close(self) -> None:
        self._bus.disconnect()

    async def _job(self, member: str, verb: str, name: str) -> None:
        """Queue the job and wait until it is no longer there."""
        (job,) = await self._call(member, "ss", [name, "replace"], verb, name)
        deadline_s = time.monotonic() + JOB_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if not await self._all(job, f"{SERVICE}.Job"):
                return
            await asyncio.sleep(JOB_POLL_S)
        raise failed(verb, name, f"it was not done after {JOB_TIMEOUT_S:.0f} s")

    async def _all(self, path: str, interface: str) -> dict[str, Any]:
        """All properties of an object; nothing of one that is gone."""
        reply = await self._send(
            Message(SERVICE, path, PROPERTIES, "GetAll", signature="s", body=[interface])
        )
        if reply.message_type is MessageType.ERROR:
            return {}
        return {name: _plain(value) for name, value in reply.body[0].items()}

    async def _call(
        self, member: str, signature: str, body: list[Any], verb: str, *units: str
    ) -> list[Any]:
        reply = await self._send(
            Message(SERVICE, ROOT, MANAGER, member, signature=signature, body=body)
        )
        if reply.message_type is not MessageType.ERROR:
            return list(reply.body)
        if reply.error_name in DENIED:
            raise not_permitted(self.scope, verb, *units)
        raise failed(verb, " ".join(units), str(reply.body[0] if reply.body else reply.error_name))

    async def _send(self, message: Message) -> Message:
        try:
            reply = await asyncio.wait_for(self._bus.call(message), CALL_TIMEOUT_S)
        except NO_BUS as error:
            raise VConsoleError(f"systemd does not answer on its bus: {error!r}") from error
        assert reply is not None
        return reply


def _plain(value: object) -> Any:
    return value.value if isinstance(value, Variant) else value
