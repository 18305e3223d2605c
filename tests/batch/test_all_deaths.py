"""Job, supervisor and server killed at random: lines, ids and the server's own count each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.conftest import write_requests
from tests.batch.ordeal import Ordeal
from tests.support.home import Home
from tests.support.stub import Stub

pytestmark = pytest.mark.slow

REQUESTS = 4_000
SLOW = ("--slots", "16", "--service-ms", "100")


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Home]:
    """A user without an engine: the stub is the server."""
    made = Home(tmp_path, "/nowhere/python")
    yield made
    made.close()


def killed(user: Home, folder: Path, seed: int, kills: int) -> None:
    """Kill one of the three `kills` times; then a quick server lets the rest end."""
    chance, server = random.Random(seed), Stub(*SLOW)
    source = write_requests(folder / "in.jsonl", REQUESTS)
    try:
        ordeal = Ordeal(user, source, REQUESTS, server.url, "--url", server.url)
        for _ in range(kills):
            ordeal.gets_on(chance)
            match chance.choice(("job", "supervisor", "server")):
                case "job":
                    ordeal.kill_job()
                case "supervisor":
                    ordeal.kill_supervisor()
                case _:
                    ordeal.kill_server(server.kill)
                    server = server.again(*SLOW)
            ordeal.check()
        ordeal.kill_server(server.kill)
        server = server.again()
        ordeal.end()
    finally:
        server.kill()


def test_whoever_dies_nothing_is_lost_or_repeated(user: Home, tmp_path: Path) -> None:
    killed(user, tmp_path, 1, 6)


@pytest.mark.fault_matrix
@pytest.mark.parametrize("seed", range(200, 210))
def test_two_hundred_deaths_of_job_supervisor_and_server(
    user: Home, tmp_path: Path, seed: int
) -> None:
    killed(user, tmp_path, seed, 20)
