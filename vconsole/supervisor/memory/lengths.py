"""Keeps how long prompts and answers were, across restarts of vLLM and of the supervisor."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from vconsole.engine.metrics.figures import Scrape
from vconsole.requests.bench.asked_lengths import (
    AskedLengths,
    Counts,
    keep_lengths,
    kept_lengths,
)

WRITE_EVERY_S = 60.0
log = logging.getLogger(__name__)


class LengthsLog:
    """`take` returns at once; a supervisor that is killed loses no life's counts, only when."""

    def __init__(self) -> None:
        self._known = dict(kept_lengths())
        self._written_s = time.monotonic()
        self._changed = False

    def take(
        self, server: str, life: str, scrape: Scrape, *, counted: bool, foreign: bool = False
    ) -> None:
        """What came since the last reading; not `counted`, it is only noted where they stand.

        Of a `foreign` life that was never read before, what it did earlier is not known to be used.
        """
        if scrape.request_prompt_tokens is None or scrape.request_generation_tokens is None:
            return
        prompts = Counts.of(scrape.request_prompt_tokens)
        answers = Counts.of(scrape.request_generation_tokens)
        before = self._known.get(server, AskedLengths())
        same = before.life == life
        if same and (before.seen_prompts, before.seen_answers) == (prompts, answers):
            return
        now = replace(before, life=life, seen_prompts=prompts, seen_answers=answers)
        if counted and (same or not foreign):
            now = replace(
                now,
                prompts=before.prompts.plus(prompts.since(before.seen_prompts if same else None)),
                answers=before.answers.plus(answers.since(before.seen_answers if same else None)),
            )
        self._known[server], self._changed = now, True

    async def write_if_due(self) -> None:
        if self._changed and time.monotonic() - self._written_s >= WRITE_EVERY_S:
            await self.write()

    async def write(self) -> None:
        """What is known now; a full disk loses lengths and stops nothing."""
        if not self._changed:
            return
        self._written_s, self._changed = time.monotonic(), False
        try:
            await asyncio.to_thread(keep_lengths, dict(self._known))
        except OSError as error:
            log.error("cannot keep the lengths of requests: %s", error.strerror)
