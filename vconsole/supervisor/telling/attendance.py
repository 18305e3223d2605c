"""When a console watched last, across supervisors: the time of change of an empty file.

Setting a time needs no room on the disk; what cannot be set costs a page that greets nobody.
"""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path

TOUCH_EVERY_S = 60.0
log = logging.getLogger(__name__)


class Attendance:
    """Counts the consoles that watch; a supervisor that is killed forgets a minute at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watching = 0
        self._touched_s = 0.0

    def enter(self) -> datetime | None:
        """A console has come; until when one watched before, None where none is known of."""
        before = datetime.now(UTC) if self._watching else self._last()
        self._watching += 1
        self._touch()
        return before

    def leave(self) -> None:
        self._watching -= 1
        self._touch()

    def beat(self) -> None:
        """Once a second."""
        if self._watching and time.monotonic() - self._touched_s > TOUCH_EVERY_S:
            self._touch()

    def _last(self) -> datetime | None:
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except OSError:
            return None

    def _touch(self) -> None:
        self._touched_s = time.monotonic()
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.utime(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("cannot note that a console watches: %s", error)
