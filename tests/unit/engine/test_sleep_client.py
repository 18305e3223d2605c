"""Putting a server to sleep over its private socket, against a stand-in of each version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.standin import Steps, reply, standin
from vconsole.engine.http.sleep_client import SleepClient
from vconsole.errors import VConsoleError

SLEEP, WAKE, ASKED = "/sleep?level=1&mode=abort", "/wake_up", "/is_sleeping"
# vLLM 0.26 answers with nothing, 0.32 with words.
ANSWERS = [reply(b""), reply({"status": "sleeping", "level": 1})]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_every_versions_answer_to_sleep_will_do(answer: Steps, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    script = {SLEEP: answer, ASKED: reply({"is_sleeping": True})}
    async with standin(script, uds=str(path)) as peer, SleepClient(path, peer.url, None) as client:
        await client.sleep()
        assert [asked for asked, _, _ in peer.requests] == [SLEEP, ASKED]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_wake_is_believed_only_when_it_is_so(answer: Steps, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    script = {WAKE: answer, ASKED: reply({"is_sleeping": True})}
    async with standin(script, uds=str(path)) as peer, SleepClient(path, peer.url, None) as client:
        with pytest.raises(VConsoleError, match="still sleeps"):
            await client.wake()
