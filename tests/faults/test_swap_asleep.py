"""The supervisor killed with -9 while a swap puts one model asleep and wakes another."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.faults import facts
from tests.faults.conftest import Row
from tests.faults.test_swap import BOUND_S, OTHER, Found, Swapping, at, wait_for
from tests.support.home import Home

pytestmark = [pytest.mark.engine, pytest.mark.fault_matrix]


@pytest.fixture(scope="module")
def sleeping(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Swapping]:
    """One of the demo models serves, the other one sleeps."""
    home = Home(tmp_path_factory.mktemp("sleep-faults"), engine_python)
    home.env["VCONSOLE_SERVER_SLEEPING_MODELS"] = "1"
    made = Swapping(home)
    try:
        old = made.be_ready()
        ran = home.run("swap", OTHER[old], timeout_s=BOUND_S)
        assert ran.code == 0, ran.err
        yield made
    finally:
        home.close()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(at("stopping", "stopping"), id="drain and sleep"),
        pytest.param(at("starting", "asleep"), id="wake"),
        pytest.param(at("starting", "ready"), id="smoke test"),
    ],
)
def test_the_supervisor_killed_in(
    moment: Found, sleeping: Swapping, row: Row, request: pytest.FixtureRequest
) -> None:
    step = request.node.callspec.id
    row.title = f"supervisor KILL in a swap by waking: {step}"
    row.expected = "the new one serves, the old one sleeps or is gone"
    old = sleeping.be_ready()
    client = sleeping.home.popen("swap", OTHER[old])
    try:
        wait_for(moment, sleeping)
        sleeping.kill_the_supervisor()
        begun_s = time.monotonic()
        _, said = client.communicate(timeout=BOUND_S)
    finally:
        client.kill()
        client.communicate()
    assert client.returncode == 0, said
    server = sleeping.until_at_rest()
    assert (server["state"], server["served_name"]) == ("ready", OTHER[old])
    assert facts.answers(sleeping.url, OTHER[old])
    trees = {os.getsid(process.pid) for process in facts.engine_processes(sleeping.home)}
    assert trees == {server["pid"], *(one["pid"] for one in server["sleepers"])}
    row.seen = f"{len(server['sleepers'])} asleep, {time.monotonic() - begun_s:.1f} s later"
    if not server["sleepers"]:
        # The next case needs one asleep: who serves was started so that it can be.
        assert sleeping.home.run("swap", old, timeout_s=BOUND_S).code == 0
