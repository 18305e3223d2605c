"""What tests of batches share: inputs, and what must be true of the files whatever happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.home import wait_until
from vconsole.requests.batch.model import BatchSpec, Directive, Progress
from vconsole.requests.batch.runner import Run


def write_requests(path: Path, count: int, **body: Any) -> Path:
    """`count` chats whose answers the stub makes recognisable."""
    with path.open("w") as file:
        for number in range(count):
            messages = [{"role": "user", "content": f"q{number}"}]
            line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions"}
            file.write(json.dumps(line | {"body": {"messages": messages, **body}}) + "\n")
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Every line of a file, each of which has to be whole."""
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n")
    return [json.loads(line) for line in content.splitlines()]


def answer_of(line: dict[str, Any]) -> str:
    return str(line["response"]["body"]["choices"][0]["message"]["content"])


def assert_all_answered(output: Path, count: int) -> None:
    """Each request of `write_requests` once, with its own answer."""
    found = {line["custom_id"]: answer_of(line) for line in lines_of(output)}
    assert len(lines_of(output)) == count
    assert found == {f"r{number}": f"q{number}" for number in range(count)}


async def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait for what a run does by itself."""
    await asyncio.to_thread(wait_until, "the run gets so far", condition, timeout_s)


async def run_batch(spec: BatchSpec, url: str | None, timeout_s: float = 60) -> Progress:
    """One run in this process, to its end."""
    seen: list[Progress] = []
    work = Run(spec, lambda: Directive(url), seen.append).run()
    return await asyncio.wait_for(work, timeout_s)


def spec_of(source: Path, output: Path, **more: Any) -> BatchSpec:
    return BatchSpec(str(source), str(output), **more)
