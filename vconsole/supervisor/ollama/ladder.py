"""The rungs: what each takes from Ollama, and how it is given back. Nothing else is touched.

Each rung writes the book before it acts, so that a death in between can still be restored.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.ollama import api, container, process
from vconsole.host.ollama.block import Block
from vconsole.host.ollama.owner import Owner, OwnerKind
from vconsole.host.units import Scope, UnitManager, command_of, manager_of
from vconsole.supervisor.ollama import book
from vconsole.supervisor.ollama.model import Rung, Taken
from vconsole.supervisor.ollama.steps import Steps

SCOPES = {
    OwnerKind.SYSTEM_UNIT: Scope.SYSTEM,
    OwnerKind.SNAP: Scope.SYSTEM,
    OwnerKind.USER_UNIT: Scope.USER,
}
COMES_UP_S = 20.0
POLL_S = 0.25


async def climb(
    rung: Rung, owner: Owner, models: Sequence[api.LoadedModel], pid: int | None
) -> Steps:
    """Carry out one rung; a refusal of systemd's is in the steps with the command to copy."""
    steps, taken = Steps(), _of_models(rung, models)
    if rung is Rung.UNLOAD:
        book.write(taken)
        for model in taken.models:
            await steps.take(f"unload {model}", partial(_off_the_loop, api.unload, model))
        return steps
    if rung is Rung.END:
        return await _end(steps, owner, taken, pid)
    if rung is Rung.STOP and owner.container and owner.program:
        taken = replace(taken, container=owner.container, engine=owner.program)
        book.write(taken)
        await _move_container(steps, "stop", owner.program, owner.container)
        return steps
    manager, unit = await _manager(owner)
    try:
        state = await manager.unit(unit)
        taken = replace(taken, unit=unit, scope=manager.scope)
        book.write(replace(taken, was_active=state.active, was_enabled=state.enabled))
        await _unit_rung(steps, rung, manager, unit)
    finally:
        await manager.close()
    return steps


def _of_models(rung: Rung, models: Sequence[api.LoadedModel]) -> Taken:
    now = datetime.now(UTC)
    kept = ((one.name, one.keep_alive_s(now)) for one in models)
    return Taken(
        at=now,
        rung=rung,
        models=tuple(one.name for one in models),
        keep_alive_s={name: seconds for name, seconds in kept if seconds is not None},
        waits=True,
    )


async def _off_the_loop(act: Callable[..., object], *values: object) -> None:
    await asyncio.to_thread(act, *values)


async def restore(taken: Taken) -> Steps:
    """Give everything back; the book is closed when nothing was refused."""
    steps = Steps()
    if taken.unit and taken.scope:
        await _restore_unit(steps, taken, taken.unit, taken.scope)
    if taken.container and taken.engine and await asyncio.to_thread(api.version) is None:
        await _move_container(steps, "start", taken.engine, taken.container)
    if taken.recipe:
        again = partial(_off_the_loop, process.start_again, taken.recipe)
        await steps.take(f"start {taken.recipe.executable}", again)
    if taken.models:
        await steps.take("wait for Ollama", _until_up)
        for model in taken.models:
            load = partial(_off_the_loop, api.load, model, taken.keep_alive_s.get(model))
            await steps.take(f"load {model}", load)
    if not steps.refused:
        book.close()
    return steps


async def _move_container(steps: Steps, verb: str, engine: str, id: str) -> None:
    move = partial(_off_the_loop, container.move, engine, verb, id)
    name = f"{verb} container {id[: container.SHORT_ID]}"
    await steps.take(name, move, by_hand=container.by_hand(engine, verb, id))


async def _unit_rung(steps: Steps, rung: Rung, manager: UnitManager, unit: str) -> None:
    by_hand = partial(command_of, manager.scope)
    if rung is Rung.BLOCK:
        block = Block(unit, manager.scope)
        book.write(Taken(datetime.now(UTC), rung, blocked=True, waits=True))
        write = partial(_off_the_loop, block.write)
        await steps.take(f"write {block.drop_in}", write, by_hand=block.command)
        await steps.take("systemd reads it", manager.reload, by_hand=by_hand("daemon-reload"))
    if rung is Rung.DISABLE:
        detail = "it no longer starts at boot; Ollama's installer would enable it again"
        disable = partial(manager.disable, unit)
        await steps.take(f"disable {unit}", disable, detail, by_hand("disable", unit))
    stop = partial(manager.stop, unit)
    await steps.take(f"stop {unit}", stop, by_hand=by_hand("stop", unit))


async def _restore_unit(steps: Steps, taken: Taken, unit: str, scope: Scope) -> None:
    manager = await manager_of(scope)
    if manager is None:
        raise _no_systemd()
    by_hand = partial(command_of, scope)
    block = Block(unit, scope)
    try:
        if taken.blocked and block.is_written:
            remove = partial(_off_the_loop, block.remove)
            await steps.take(f"remove {block.drop_in}", remove, by_hand=block.removing_command)
            await steps.take("systemd reads it", manager.reload, by_hand=by_hand("daemon-reload"))
        state = await manager.unit(unit)
        if taken.was_enabled and not state.enabled:
            enable = partial(manager.enable, unit)
            await steps.take(f"enable {unit}", enable, by_hand=by_hand("enable", unit))
        if taken.was_active and not state.active:
            start = partial(manager.start, unit)
            await steps.take(f"start {unit}", start, by_hand=by_hand("start", unit))
    finally:
        await manager.close()


async def _end(steps: Steps, owner: Owner, taken: Taken, pid: int | None) -> Steps:
    _require_here(owner)
    if owner.kind is not OwnerKind.PROCESS or owner.pid is None or owner.start_ticks is None:
        raise VConsoleError(
            f"this Ollama is no lone process but a {owner.words}",
            "`vconsole ollama stop` is the way for a unit; a container ends by its engine",
            ExitCode.REFUSED,
        )
    if pid != owner.pid:
        raise VConsoleError(
            f"Ollama is process {owner.pid} of user {owner.user}: ending it needs that number",
            f"vconsole ollama end --pid {owner.pid}",
            ExitCode.USAGE,
            kind="needs_pid",
        )
    recipe = await asyncio.to_thread(process.recipe, owner.pid)
    book.write(replace(taken, recipe=recipe))
    end = partial(_off_the_loop, process.end, owner.pid, owner.start_ticks)
    await steps.take(f"end process {owner.pid}", end)
    return steps


def _require_here(owner: Owner) -> None:
    """What only passes the port on is not Ollama: ending it would cut others' line."""
    if owner.kind is OwnerKind.FORWARDED:
        raise VConsoleError(
            f"{owner.program} (pid {owner.pid}, user {owner.user}) holds Ollama's port and passes "
            "it on: the Ollama behind it is not one that can be stopped from here",
            "stop it where it runs; `vconsole ollama unload` works from here too",
            ExitCode.REFUSED,
            kind="forwarded",
        )


async def _manager(owner: Owner) -> tuple[UnitManager, str]:
    """The manager of Ollama's unit; an Ollama outside our reach is refused with what to do."""
    _require_here(owner)
    if owner.kind is OwnerKind.CONTAINER and owner.container:
        raise VConsoleError(
            f"this Ollama runs in a container, which no unit starts: {owner.container[:12]}",
            "`vconsole ollama stop` stops it; its engine's restart policy says what follows",
            ExitCode.REFUSED,
            kind="container",
        )
    if owner.unit is None or owner.kind not in SCOPES:
        remedy = f"vconsole ollama end --pid {owner.pid}" if owner.pid else "ask its owner"
        raise VConsoleError(
            f"no unit of systemd holds this Ollama: it is a {owner.words}",
            remedy,
            ExitCode.REFUSED,
            kind="no_unit",
        )
    scope = SCOPES[owner.kind]
    if scope is Scope.USER and owner.user != process.user_name(os.geteuid()):
        raise VConsoleError(
            f"this Ollama is a unit of user {owner.user}, and only they may stop it",
            f"as {owner.user}: systemctl --user stop {owner.unit}",
            ExitCode.REFUSED,
            kind="not_permitted",
        )
    manager = await manager_of(scope)
    if manager is None:
        raise _no_systemd()
    return manager, owner.unit


async def _until_up() -> None:
    for _ in range(int(COMES_UP_S / POLL_S)):
        if await asyncio.to_thread(api.version) is not None:
            return
        await asyncio.sleep(POLL_S)
    raise VConsoleError(
        f"Ollama did not answer within {COMES_UP_S:.0f} s of its start",
        "see why: journalctl -u ollama",
    )


def _no_systemd() -> VConsoleError:
    return VConsoleError(
        "no systemd runs here, so there is no unit to move",
        "end Ollama the way it was started, or by `vconsole ollama end`",
        ExitCode.REFUSED,
        kind="no_systemd",
    )
