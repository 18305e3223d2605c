"""The pulse of the supervisor outlives a beat that breaks off."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from vconsole.supervisor import daemon
from vconsole.supervisor.core import Supervisor


class FirstBeatBreaks:
    """As much of a supervisor as its pulse is."""

    def __init__(self) -> None:
        self.leaving = asyncio.Event()
        self.beats = 0

    async def beat_forever(self) -> None:
        self.beats += 1
        if self.beats == 1:
            raise RuntimeError("illegal transition")
        self.leaving.set()


async def test_a_broken_beat_is_told_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pulse = FirstBeatBreaks()
    await asyncio.wait_for(daemon._beat(cast("Supervisor", pulse)), 10)
    assert pulse.beats == 2
    assert "illegal transition" in caplog.text
