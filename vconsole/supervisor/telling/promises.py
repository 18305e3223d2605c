"""What each server promises its users, and how that is kept: read again twice a minute."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from vconsole import settings as settings_module
from vconsole.errors import VConsoleError
from vconsole.models.profiles import Profile, load_profiles
from vconsole.settings import ServiceLevelSettings
from vconsole.supervisor.telling.levels import CountLevels, Level, make_levels

LOOK_EVERY_S = 30.0
log = logging.getLogger(__name__)


class Promises:
    """The targets of the settings, those of a profile before them, and the budgets of each."""

    def __init__(self, count: CountLevels) -> None:
        self._count = count
        self._settings = ServiceLevelSettings()
        self._profiles: Mapping[str, Profile] = {}
        self._levels: Mapping[str, tuple[Level, ...]] = {}
        self._looked_s = -LOOK_EVERY_S

    def of(self, profile: str | None) -> ServiceLevelSettings:
        """The targets of a server that was started by that profile, or without one."""
        return targets_of(self._settings, self._profiles.get(profile or ""))

    def kept_by(self, server: str) -> tuple[Level, ...]:
        """How the server kept its promises at the last look; nothing where none was taken."""
        return self._levels.get(server, ())

    @property
    def kept(self) -> tuple[Level, ...]:
        """The same of all servers."""
        return tuple(level for levels in self._levels.values() for level in levels)

    async def look_if_due(self, profile_by_server: Mapping[str, str | None]) -> None:
        """Read targets and counts again, where that was not done of late."""
        if time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            await self.look(profile_by_server)

    async def look(self, profile_by_server: Mapping[str, str | None]) -> None:
        """Read targets and counts again."""
        self._looked_s = time.monotonic()
        await asyncio.to_thread(self._look, profile_by_server)

    def _look(self, profile_by_server: Mapping[str, str | None]) -> None:
        try:
            self._settings = settings_module.load().service_level
            self._profiles = load_profiles()
        except VConsoleError as error:
            log.warning("the service level stays as it was: %s", error.message)
        self._levels = {
            server: make_levels(server, self.of(profile), self._count, time.time())
            for server, profile in profile_by_server.items()
        }


def targets_of(settings: ServiceLevelSettings, profile: Profile | None) -> ServiceLevelSettings:
    """The profile's targets in place of those of the settings."""
    return replace(settings, **profile.service_level) if profile else settings
