"""Regenerates the pictures of README and docs: a real vLLM with the demo model, under load.

`python -m tests.console.make_docs FOLDER`; about three minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.console.make_screenshots import draw_real
from tests.support.home import Home, free_port, shared_engine

PROMPTS = ("Write a short story.", "Tell me about the sea.", "What is batching?", "Who are you?")
# Seconds and how many ask at once: a tide that the graphs can show.
TIDE = ((15, 4), (15, 14), (20, 30), (15, 18), (300, 28))
# Few enough, at 128 tokens each, that the load fills a good part of them.
KV_BLOCKS = 130


async def _ask_forever(client: httpx.AsyncClient, number: int) -> None:
    while True:
        body = {
            "model": "demo-lark",
            "messages": [{"role": "user", "content": PROMPTS[number % len(PROMPTS)]}],
            "max_tokens": 120 + 97 * number % 300,
            "ignore_eos": True,
        }
        await client.post("/v1/chat/completions", json=body)
        number += 1


async def load(url: str) -> None:
    """The tide of requests, until it is over or we are ended."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for seconds, asking in TIDE:
            tasks = [asyncio.create_task(_ask_forever(client, n)) for n in range(asking)]
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def draw(folder: Path) -> None:
    """Start a server, put it under load, and draw it."""
    with tempfile.TemporaryDirectory() as root:
        home = Home(Path(root), shared_engine())
        try:
            port = str(free_port())
            flags = ("--", "--num-gpu-blocks-override", str(KV_BLOCKS))
            started = home.run("start", "demo", "--json", "--port", port, *flags)
            home.run("smoke")
            _draw_under_load(home, folder, started.data["url"])
        finally:
            home.close()


def _draw_under_load(home: Home, folder: Path, url: str) -> None:
    command = [sys.executable, "-m", "tests.console.make_docs", "--load", url]
    # A process of its own: drawing must not take the load's time, nor the load the drawing's.
    with subprocess.Popen(command) as loading:
        time.sleep(sum(seconds for seconds, _ in TIDE[:-1]) + 10)
        draw_real(folder, home.socket)
        loading.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    parser.add_argument("--load", metavar="URL", help="only send the load")
    given = parser.parse_args()
    if given.load:
        asyncio.run(load(given.load))
    else:
        draw(given.folder)
