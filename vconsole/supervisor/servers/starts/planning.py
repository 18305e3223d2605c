"""The plan of a start: what the planner says of this model on the cards as they are now.

Reads files of the model, so call it in a thread. What cannot be planned is no reason not to start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from vconsole.engine.command import command_line
from vconsole.engine.command.command import cpu_kv_space_gib, told_kv_space_bytes
from vconsole.engine.command.flags import added
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.cuda import visible_cards
from vconsole.host.readings import Gpu, GpuReading, Host
from vconsole.models.catalogue import load_catalogue
from vconsole.models.fit import ModelFacts, make_plan, read_facts, wishes_from
from vconsole.models.fit.ledger_file import starts_of
from vconsole.models.fit.plan import Card, Plan, Tenant, Verdict, Wishes
from vconsole.models.on_disk import folder_of
from vconsole.supervisor.models.cards import cuda_total_bytes, with_memory
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

GIB = 2**30


def plan_of(prepared: PreparedLaunch, reading: GpuReading, host: Host) -> Plan | None:
    """The plan, or None where nothing is known of the cards or the model is not on this disk."""
    launch = prepared.launch
    environment = {**os.environ, **prepared.given_environment}
    card = card_of(prepared, reading, host)
    folder = folder_of(launch.model, environment)
    if card is None or folder is None:
        return None
    wishes = _wishes(prepared, card, host)
    try:
        facts = read_facts(folder)
        plan = make_plan(
            facts, card, wishes, starts_of(launch.model, folder), launch.engine_version
        )
    except VConsoleError:
        # vLLM says better than we do what is wrong with the folder.
        return None
    return _for_vllm_to_refuse(plan) if _is_beyond_the_model(launch.flags, facts) else plan


def refuse_hopeless(prepared: PreparedLaunch, reading: GpuReading, host: Host) -> None:
    """Refuse what is not on this disk yet and, by the catalogue, too big once it is."""
    card, entry = card_of(prepared, reading, host), load_catalogue().find(prepared.launch.model)
    if card is None or entry is None or not entry.config:
        return
    launch, wishes = prepared.launch, _wishes(prepared, card, host)
    plan = make_plan(entry.facts, card, wishes, engine_version=launch.engine_version)
    refuse_too_big(plan, launch.served_name)


def _wishes(prepared: PreparedLaunch, card: Card, host: Host) -> Wishes:
    wishes = wishes_from(prepared.launch.flags)
    if not card.is_cpu:
        return wishes
    environment = {**os.environ, **prepared.given_environment}
    told = told_kv_space_bytes(prepared.given_environment) or wishes.kv_cache_memory_bytes
    return replace(wishes, kv_cache_memory_bytes=told or _kv_space_bytes(host, environment))


def card_of(prepared: PreparedLaunch, reading: GpuReading, host: Host) -> Card | None:
    """The card that this start will find."""
    environment = {**os.environ, **prepared.given_environment}
    return card_now(prepared.launch.engine_device or "cuda", reading, host, environment)


def planned_flags(prepared: PreparedLaunch, plan: Plan) -> tuple[str, ...]:
    """What the plan adds to the user's flags: nothing on a CPU, where memory is not divided."""
    if prepared.launch.engine_device == "cpu" or plan.verdict not in (Verdict.FITS, Verdict.TIGHT):
        return ()
    return added(prepared.launch.flags, plan.arguments)


def refuse_too_big(plan: Plan, model: str) -> None:
    """Refuse (exit code 5) a start that the plan expects to fail."""
    if plan.verdict is not Verdict.TOO_BIG:
        return
    why = "; ".join(plan.why) or "what it needs is more than this machine has free"
    raise VConsoleError(
        f"{model} is too big for what is free here: {why}",
        "choose a smaller or quantised model or other flags; --adapt starts and shortens the "
        "context to what fits, --anyway starts it as it is",
        ExitCode.REFUSED,
        kind="too_big",
    )


def card_now(
    device: str, reading: GpuReading, host: Host, environment: Mapping[str, str]
) -> Card | None:
    """The cards that the server will see, as one; the fullest of them counts."""
    if device == "cpu":
        if host.memory_total_bytes is None or host.memory_available_bytes is None:
            return None
        return Card("CPU", host.memory_total_bytes, host.memory_available_bytes, is_cpu=True)
    read = tuple(with_memory(card, host) for card in reading.gpus)
    cards = visible_cards(read, environment.get("CUDA_VISIBLE_DEVICES"))
    if not cards or any(card.memory_total_bytes is None for card in cards):
        return None
    least = min(cards, key=_free_bytes)
    return Card(
        least.name or "GPU",
        min(cuda_total_bytes(card) for card in cards),
        _free_bytes(least),
        count=len(cards),
        capability=least.compute_capability,
        tenants=tuple(
            Tenant(one.name or "a process", one.memory_bytes, one.pid)
            for one in least.processes
            if one.memory_bytes
        ),
    )


def _free_bytes(card: Gpu) -> int:
    if card.memory_free_bytes is not None:
        return card.memory_free_bytes
    return (card.memory_total_bytes or 0) - (card.memory_used_bytes or 0)


def _kv_space_bytes(host: Host, environment: Mapping[str, str]) -> int:
    """What the CPU build will reserve: as the environment says, else as vconsole tells it."""
    told = told_kv_space_bytes(environment)
    return told or cpu_kv_space_gib(host.memory_available_bytes or 0) * GIB


def _is_beyond_the_model(flags: tuple[str, ...], facts: ModelFacts) -> bool:
    """Whether a length is asked for that the model does not have, whatever the memory."""
    asked = command_line.flag(flags, "--max-model-len") or ""
    limit = facts.context_length
    return asked.isdecimal() and limit is not None and int(asked) > limit


def _for_vllm_to_refuse(plan: Plan) -> Plan:
    why = ("the length asked for is more than the model was made for",)
    return Plan(Verdict.UNKNOWN, weights_bytes=plan.weights_bytes, why=why)
