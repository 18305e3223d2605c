"""What Ollama has loaded, looked at every ten seconds at most and never waited for by the beat."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime

import httpx

from vconsole.host.ollama.api import LoadedModel, is_on_this_host, loaded_models, ollama_url
from vconsole.supervisor.model import OllamaStatus

LOOK_EVERY_S = 10.0


class OllamaWatch:
    """The last look, and the one under way.

    `status_s` is when the look began that `status` is from. `since_at` has when each loaded model
    was seen first, None for those that the first look found.
    """

    def __init__(self) -> None:
        self.status = OllamaStatus()
        self.status_s = -LOOK_EVERY_S
        self.since_at: dict[str, datetime | None] = {}
        self._has_looked = False
        # Made once: a client of httpx loads all certificates, which takes longer than the question.
        self._client = httpx.Client(trust_env=False)
        self._looked_s = -LOOK_EVERY_S
        self._task: asyncio.Task[None] | None = None

    def look_if_due(self) -> None:
        """Begin a look in the background, if the last one is old enough and over."""
        due = time.monotonic() - self._looked_s >= LOOK_EVERY_S
        if not due or (self._task and not self._task.done()):
            return
        self._looked_s = time.monotonic()
        self._task = asyncio.create_task(self._look())

    async def close(self) -> None:
        if self._task and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            # Its thread may still be asking: the client is left to the end of the process.
            return
        self._client.close()

    async def _look(self) -> None:
        url, began_s = ollama_url(), time.monotonic()
        if not is_on_this_host(url):
            return
        models = await asyncio.to_thread(loaded_models, url, self._client)
        self.status, self.status_s = as_status(models), began_s
        new = datetime.now(UTC) if self._has_looked else None
        self.since_at = {one.name: self.since_at.get(one.name, new) for one in models or ()}
        self._has_looked = True


def as_status(models: tuple[LoadedModel, ...] | None) -> OllamaStatus:
    """`gpu_bytes` is the sum over what is loaded; None of it is known where no Ollama answers."""
    if models is None:
        return OllamaStatus(running=False)
    total_bytes = sum(max(0, model.size_vram) for model in models)
    return OllamaStatus(True, total_bytes, tuple(model.name for model in models))
