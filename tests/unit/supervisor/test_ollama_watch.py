"""Ollama as the supervisor sees it, over real HTTP from a stand-in for Ollama's own server."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.standin import reply, standin
from vconsole.host.ollama.api import is_on_this_host
from vconsole.supervisor.model import OllamaStatus
from vconsole.supervisor.ollama.watch import OllamaWatch

LOADED = {"models": [{"name": "llama3", "size_vram": 5 << 30}, {"name": "q", "size_vram": 1}]}


async def look(url: str, monkeypatch: pytest.MonkeyPatch) -> OllamaStatus:
    monkeypatch.setenv("OLLAMA_HOST", url)
    watch = OllamaWatch()
    watch.look_if_due()
    assert watch._task is not None
    await asyncio.wait_for(watch._task, 10)
    await watch.close()
    return watch.status


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (LOADED, OllamaStatus(True, (5 << 30) + 1, ("llama3", "q"))),
        ({"models": []}, OllamaStatus(True, 0, ())),
        ({"models": None}, OllamaStatus(True, 0, ())),
        ({"models": "nonsense"}, OllamaStatus(running=False)),
        (b"\xff\x00", OllamaStatus(running=False)),
    ],
)
async def test_what_it_says_is_what_is_shown(
    body: object, expected: OllamaStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standin({"/api/ps": reply(body)}) as peer:
        assert await look(peer.url, monkeypatch) == expected


async def test_nobody_there_is_an_answer_and_another_host_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await look("127.0.0.1:1", monkeypatch) == OllamaStatus(running=False)
    assert await look("http://ollama.example:11434", monkeypatch) == OllamaStatus()
    assert await look("http://[nonsense", monkeypatch) == OllamaStatus(running=False)


def test_only_this_host_can_hold_our_cards() -> None:
    assert is_on_this_host("http://localhost:11434")
    assert is_on_this_host("http://[::1]:11434")
    assert not is_on_this_host("http://10.0.0.5:11434")
