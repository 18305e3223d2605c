"""The priority that lets others go first: sent where it is heeded, taken back where refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import spec_of, write_requests
from tests.support.standin import reply, standin
from vconsole.requests.batch.model import Directive, Progress
from vconsole.requests.batch.runner import Run

CHAT = "/v1/chat/completions"
ANSWER = {"id": "x", "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
MODELS = reply({"data": [{"id": "stub"}]})


async def run_with(priority: int, source: Path, url: str) -> Progress:
    told = Directive(url, priority=priority)
    run = Run(spec_of(source, source.with_name("out.jsonl")), lambda: told, lambda _: None)
    return await asyncio.wait_for(run.run(), 30)


async def sent_with(priority: int, source: Path) -> list[dict[str, Any]]:
    """The bodies that a server got."""
    async with standin({CHAT: reply(ANSWER), "/v1/models": MODELS}) as peer:
        done = await run_with(priority, source, peer.url)
        assert (done.completed, done.failed, done.retries) == (4, 0, 0)
        return [body for path, _, body in peer.requests if path == CHAT]


async def test_each_request_has_it_and_one_of_its_own_stays(tmp_path: Path) -> None:
    source = write_requests(tmp_path / "in.jsonl", 3, temperature=0)
    own = {"messages": [{"role": "user", "content": "mine"}], "priority": -2}
    line = {"custom_id": "own", "url": CHAT, "body": own}
    with source.open("a") as file:
        file.write(json.dumps(line) + "\n")
    bodies = await sent_with(10, source)
    assert sorted(body["priority"] for body in bodies) == [-2, 10, 10, 10]
    assert all(body["model"] == "stub" and body["messages"] for body in bodies)


async def test_a_server_that_is_not_known_to_heed_it_gets_none(tmp_path: Path) -> None:
    bodies = await sent_with(0, write_requests(tmp_path / "in.jsonl", 4))
    assert not any("priority" in body for body in bodies)


@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_that_refuses_it_is_asked_without(tmp_path: Path, status: int) -> None:
    """As vLLM's V0 did without the policy, and servers do that know no such field."""
    refused = 0

    def answer(body: dict[str, Any]) -> Any:
        nonlocal refused
        if "priority" not in body:
            return reply(ANSWER)
        refused += 1
        return reply({"error": {"message": "Got priority 10 but it is not enabled"}}, status)

    source = write_requests(tmp_path / "in.jsonl", 300)
    async with standin({CHAT: answer, "/v1/models": MODELS}) as peer:
        done = await run_with(10, source, peer.url)
    assert (done.completed, done.failed) == (300, 0)
    assert 0 < refused < 100
