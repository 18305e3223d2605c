"""A start that became ready: what it measured against what was planned, shown and kept."""

from __future__ import annotations

import asyncio
import logging
import os

from vconsole.models.fit.ledger_file import add_start
from vconsole.supervisor.memory.ledger import measured_start
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.recorded import measured
from vconsole.supervisor.telling.telling import Teller

log = logging.getLogger(__name__)


async def enter_in_ledger(life: Life, teller: Teller) -> None:
    """Enter the start into the ledger, and tell how far off its plan was."""
    try:
        await asyncio.to_thread(_enter, life)
    except OSError as error:
        log.warning("the start of %s is not in the ledger: %s", life.name, error)
    found = measured(life.launch, life.run)
    if found and found.kv_cache_tokens and found.predicted_kv_cache_tokens is not None:
        teller.measured(found.text, found.predicted_kv_cache_tokens, found.kv_cache_tokens)


def _enter(life: Life) -> None:
    environment = {**os.environ, **record.readable_environment(life.name)}
    add_start(measured_start(life.launch, life.run, life.watch.figures, environment))
