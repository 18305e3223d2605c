"""The advisor on a real server: it sees too few seats, and the flags that it names are taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.beside import beside
from tests.support.home import Home, free_port, wait_until
from vconsole.engine.command.command_line import flag
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Advice, ServerState

pytestmark = pytest.mark.engine

SEATS, REQUESTS = 2, 6
# A busy vLLM tells its counters between two answers, so they must not be long.
TOKENS = 200


@contextmanager
def crowd(url: str, model: str) -> Iterator[None]:
    """Three requests for every seat, until the block ends; only ever to 127.0.0.1."""

    def ask(over: threading.Event) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not over.is_set():
                body = {
                    "model": model,
                    "prompt": "The lark",
                    "max_tokens": TOKENS,
                    "ignore_eos": True,
                }
                client.post("/v1/completions", json=body).raise_for_status()

    with beside(*[ask] * REQUESTS):
        yield


def advised(client: SupervisorClient, rule: str) -> Advice | None:
    return next((one for one in client.status().advice if one.id == rule), None)


def hears(client: SupervisorClient, heard: list[Advice]) -> bool:
    heard += [one for one in (advised(client, "seats-limited"),) if one]
    return bool(heard)


def tells(home: Home, said: list[str]) -> bool:
    said.append(home.run("status").out)
    return f"▸ All {SEATS} seats are taken" in said[-1]


@pytest.mark.long
def test_too_few_seats_are_seen_said_and_changed(home: Home) -> None:
    port, flags = str(free_port()), ("--", "--max-num-seqs", str(SEATS), "--seed", "7")
    started = home.run("start", "demo", "--json", "--port", port, *flags)
    assert started.code == 0, started.err
    client = SupervisorClient(home.socket)
    with crowd(started.data["url"], started.data["served_name"]):
        heard: list[Advice] = []
        wait_until("it sees that all seats are taken", lambda: hears(client, heard), 90)
        said: list[str] = []
        wait_until("status says so, too", lambda: tells(home, said), 90)
    found = heard[0]
    assert found.text.startswith(f"All {SEATS} seats are taken and ")
    assert found.flags == ("--max-num-seqs", str(2 * SEATS))
    assert "ms (10 min)" in said[-1]
    client.restart("main", found.flags)
    wait_until(
        "it serves again with more seats",
        lambda: (
            client.server("main").state is ServerState.READY
            and flag(client.server("main").command, "--max-num-seqs") == str(2 * SEATS)
        ),
        timeout_s=150,
    )
    command = client.server("main").command
    assert command.count("--max-num-seqs") == 1
    assert flag(command, "--seed") == "7"
