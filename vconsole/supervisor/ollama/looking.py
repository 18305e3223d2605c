"""Ollama as it is now: who runs it, what it holds and since when, and what could be taken."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from vconsole.errors import VConsoleError
from vconsole.host.ollama import api
from vconsole.host.ollama.block import Block
from vconsole.host.ollama.holding import Holding, holding
from vconsole.host.ollama.owner import Owner, OwnerKind, find_owner
from vconsole.host.readings import GpuReading
from vconsole.host.units import Scope, UnitState, manager_of
from vconsole.supervisor.model import Step
from vconsole.supervisor.ollama import book, ladder
from vconsole.supervisor.ollama.model import HeldModel, OllamaReport, Rung, Taken

Models = Sequence[api.LoadedModel]
Seen = Mapping[str, datetime | None]
CHANGES = {
    Rung.UNLOAD: "its models leave the memory; Ollama goes on and loads them at the next request",
    Rung.STOP: "it stays away until the next boot",
    Rung.DISABLE: "it stays away over boots, until Ollama's installer runs again",
    Rung.BLOCK: "it stays away until `vconsole ollama restore`, whatever an installer does",
    Rung.END: "that process ends; whoever started it may start it again",
}


async def look(gpus: GpuReading, first_seen: Seen) -> OllamaReport:
    """Everything but what a verb did; `first_seen` has since when each model was seen."""
    owner = await asyncio.to_thread(find_owner)
    models = await asyncio.to_thread(api.loaded_models)
    taken = await asyncio.to_thread(book.read)
    state = await _unit_state(owner, taken)
    held_by = await asyncio.to_thread(_holding, owner)
    held = _held(models or (), held_by, first_seen)
    return OllamaReport(
        running=owner is not None or models is not None,
        owner=owner.words if owner else None,
        owner_kind=owner.kind if owner else None,
        user=owner.user if owner else None,
        pid=owner.pid if owner else None,
        unit=owner.unit if owner else taken.unit if taken else None,
        enabled=state.enabled if state else None,
        version=await asyncio.to_thread(api.version) if owner else None,
        models=held,
        gpu_bytes=gpu_bytes(gpus, models),
        blocked=_blocked(owner, taken),
        taken=taken,
        next_rungs=_next_rungs(owner, held),
        since_at=held_by.since_at,
        memory_bytes=held_by.memory_bytes,
    )


def gpu_bytes(gpus: GpuReading, models: Models | None) -> int | None:
    """What the cards say of its processes, else what Ollama says of its models."""
    seen = [
        process.memory_bytes
        for gpu in gpus.gpus
        for process in gpu.processes
        if process.owner == "ollama" and process.memory_bytes is not None
    ]
    if seen:
        return sum(seen)
    return sum(one.size_vram for one in models) if models is not None else None


def _holding(owner: Owner | None) -> Holding:
    if owner is None or owner.pid is None or owner.kind is OwnerKind.FORWARDED:
        return Holding()
    return holding(owner.pid)


def _held(models: Models, held_by: Holding, first_seen: Seen) -> tuple[HeldModel, ...]:
    """Since when: its own process says it where it is the only one, else who saw it come."""
    alone = held_by.runner_since_at if len(models) == 1 else None
    return tuple(
        HeldModel(
            one.name,
            one.size_vram,
            max(0, one.size - one.size_vram),
            one.expires_at,
            alone or first_seen.get(one.name),
        )
        for one in models
    )


async def _unit_state(owner: Owner | None, taken: Taken | None) -> UnitState | None:
    """Of the unit that runs it, or that was stopped."""
    unit = (owner.unit if owner else None) or (taken.unit if taken else None)
    scope = ladder.SCOPES.get(owner.kind) if owner else taken.scope if taken else None
    manager = await manager_of(scope) if unit and scope else None
    if unit is None or manager is None:
        return None
    try:
        return await manager.unit(unit)
    except VConsoleError:
        return None
    finally:
        await manager.close()


def _blocked(owner: Owner | None, taken: Taken | None) -> bool:
    unit = (owner and owner.unit) or (taken and taken.unit) or "ollama.service"
    scope = (taken and taken.scope) or Scope.SYSTEM
    return Block(unit, scope).in_force


def _next_rungs(owner: Owner | None, models: tuple[HeldModel, ...]) -> tuple[Step, ...]:
    """The verbs that make sense now, mildest first, each with what it changes."""
    if owner is None:
        return ()
    rungs = [Rung.UNLOAD] if models else []
    if owner.kind in ladder.SCOPES:
        rungs += [Rung.STOP, Rung.DISABLE, Rung.BLOCK]
    elif owner.kind is OwnerKind.PROCESS:
        rungs.append(Rung.END)
    changes = dict(CHANGES)
    if owner.kind is OwnerKind.CONTAINER:
        rungs.append(Rung.STOP)
        changes[Rung.STOP] = "its container stops, until it or its engine is started again"
    return tuple(Step(str(rung), detail=changes[rung]) for rung in rungs)
