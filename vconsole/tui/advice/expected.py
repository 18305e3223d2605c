"""What the planner expects of the running model with other flags, before a start with them."""

from __future__ import annotations

from dataclasses import replace

from vconsole.engine.command.flags import replaced
from vconsole.errors import VConsoleError
from vconsole.models.fit import make_plan, read_facts, wishes_from
from vconsole.models.fit.ledger_file import starts_of
from vconsole.models.fit.plan import Band, Plan
from vconsole.models.on_disk import folder_of
from vconsole.supervisor.model import Status
from vconsole.supervisor.models.cards import card_of_host


def plan_with(status: Status, changes: tuple[str, ...]) -> Plan | None:
    """The plan, with what the server holds now counted as free; None where none can be made.

    Reads files of the model, so call it in a thread.
    """
    server = status.server
    folder = folder_of(server.model) if server.model else None
    if folder is None:
        return None
    cards = [gpu for gpu in status.gpus if gpu.index in status.server_gpus]
    card = card_of_host(cards, status.host, without_ours=True).card
    wishes = wishes_from(replaced(server.flags, changes))
    measured = server.measured.kv_cache_bytes if server.measured else None
    if card.is_cpu and wishes.kv_cache_memory_bytes is None:
        # On a CPU the cache is as large as it is told to be, whatever the flags.
        wishes = replace(wishes, kv_cache_memory_bytes=measured)
    try:
        starts = starts_of(server.model or "", folder)
        return make_plan(read_facts(folder), card, wishes, starts, server.engine_version)
    except VConsoleError:
        return None


def plan_sentence(plan: Plan | None, status: Status) -> str:
    """The plan in a sentence, beside what is now."""
    if plan is None:
        return "The planner knows too little of this model to say what that brings."
    metrics = status.metrics
    now = metrics.kv_cache_tokens if metrics else None
    tokens = _tokens(plan.kv_cache_tokens)
    beside = f" (now {now:,.0f})" if now is not None and tokens else ""
    longest = f"requests of up to {plan.max_model_len:,} tokens" if plan.max_model_len else ""
    at_once = f"{plan.max_concurrency:,.0f} of them at once" if plan.max_concurrency else ""
    facts = ", ".join(fact for fact in (f"{tokens}{beside}", longest, at_once) if fact)
    return f"The plan: {plan.verdict}" + (f"; {facts}." if facts else ".")


def _tokens(band: Band | None) -> str:
    if band is None:
        return ""
    spread = f", {band.low:,} to {band.high:,}" if band.low < band.high else ""
    return f"{band.value:,} KV tokens{spread}"
