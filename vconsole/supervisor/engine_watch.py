"""The engine that the next start would use, looked for twice a minute."""

from __future__ import annotations

import asyncio
import logging
import time

from vconsole import settings
from vconsole.engine.find import find_engine
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import EngineInfo

LOOK_EVERY_S = 30.0
log = logging.getLogger(__name__)


class EngineWatch:
    """The last look; None before it, and where there is no engine."""

    def __init__(self) -> None:
        self.engine: EngineInfo | None = None
        self._looked_s = -LOOK_EVERY_S

    async def look_if_due(self) -> None:
        if time.monotonic() - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = time.monotonic()
        try:
            found = await asyncio.to_thread(lambda: find_engine(settings.load()))
        except VConsoleError as error:
            log.warning("%s", error.message)
            found = None
        self.engine = (
            EngineInfo(found.version, found.device, str(found.python), str(found.path))
            if found
            else None
        )
