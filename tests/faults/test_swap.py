"""Every failure at every step of a swap, the supervisor killed with -9 in each of them."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults import facts
from tests.faults.conftest import Row
from tests.support.home import Home, free_port, wait_until

pytestmark = pytest.mark.engine
OTHER = {"demo-lark": "demo-owl", "demo-owl": "demo-lark"}
BOUND_S = 240.0
TOO_LONG = ("--", "--max-model-len", "999999")
TOO_SHORT = ("--", "--max-model-len", "16")


class Swapping:
    """A user whose server is swapped, and a look at its record as it is on the disk."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def record(self) -> dict[str, Any]:
        path = self.home.state / "servers" / "main" / "record.json"
        found = json.loads(path.read_text())
        assert isinstance(found, dict)
        return found

    def be_ready(self) -> str:
        """What serves, after a start where nothing does."""
        server = self.home.status()["server"]
        if server["state"] != "ready":
            ran = self.home.run("start", "demo-lark", "--port", str(self.port))
            assert ran.code == 0, ran.err
            server = self.home.status()["server"]
        served = server["served_name"]
        assert facts.answers(self.url, served)
        assert isinstance(served, str)
        return served

    def kill_the_supervisor(self) -> None:
        for process in facts.supervisors(self.home):
            process.kill()
            process.wait(10)

    def outlive_the_server(self) -> None:
        """Halt the supervisor until the server that loads has ended by itself."""
        (supervisor,) = facts.supervisors(self.home)
        supervisor.suspend()
        wait_until("its end", lambda: not facts.engine_processes(self.home), BOUND_S)

    def have_a_supervisor(self) -> None:
        self.home.run("smoke")
        assert len(facts.supervisors(self.home)) == 1

    def until_at_rest(self) -> dict[str, Any]:
        """Wait until no swap is under way; the server's status then."""

        def rests() -> bool:
            server = self.home.status()["server"]
            return server["operation"] is None and server["state"] in {"ready", "failed", "stopped"}

        wait_until("rest", rests, BOUND_S)
        found = self.home.status()["server"]
        assert isinstance(found, dict)
        return found

    def serves(self, model: str) -> None:
        server = self.until_at_rest()
        assert (server["state"], server["served_name"]) == ("ready", model)
        assert facts.one_whole_tree(self.home) == server["pid"]
        assert facts.answers(self.url, model)
        assert self.record()["swap"] is None
        assert not (self.home.state / "servers" / "main" / "swap-environments.json").exists()

    def told(self) -> str:
        return self.home.run("events", "--kind", "swap", "-n", "1").out


@pytest.fixture(scope="module")
def swapping(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Swapping]:
    home = Home(tmp_path_factory.mktemp("swap-faults"), engine_python)
    yield Swapping(home)
    home.close()


Found = Callable[[dict[str, Any]], bool]


def at(stage: str, *states: str) -> Found:
    """A record whose swap is at `stage` while the server is in one of `states`."""

    def found(record: dict[str, Any]) -> bool:
        swap = record.get("swap")
        return swap is not None and swap["stage"] == stage and record["state"] in states

    return found


@dataclass(frozen=True)
class Killed:
    """A supervisor killed in a swap: when, in what kind of swap, and who serves in the end."""

    title: str
    moment: Found
    flags: tuple[str, ...] = ()
    new_serves: bool = True
    told: str = "was replaced by"
    loaded: bool = False
    ends: bool = False


CASES = (
    Killed("plan", at("preparing", "ready"), ("--drain", "60"), False, "was dropped", loaded=True),
    Killed("wait until idle", at("preparing", "ready"), ("--when-idle",), loaded=True),
    Killed("drain and stop", at("stopping", "stopping")),
    Killed("start", at("starting", "starting")),
    Killed("smoke test", at("starting", "ready")),
    Killed("a failed start", at("starting", "starting"), TOO_LONG, False, "rolled back", ends=True),
    Killed("roll back: start", at("returning", "starting"), TOO_LONG, False, "rolled back"),
)


@pytest.mark.fault_matrix
@pytest.mark.parametrize("case", CASES, ids=[one.title for one in CASES])
def test_the_supervisor_killed_in(case: Killed, swapping: Swapping, row: Row) -> None:
    row.title = f"supervisor KILL in a swap: {case.title}"
    row.expected = "the new one serves" if case.new_serves else "the old one serves"
    old = swapping.be_ready()
    over = threading.Event()
    if case.loaded:
        threading.Thread(target=keep_busy, args=(swapping.url, old, over), daemon=True).start()
        time.sleep(1)
    client = swapping.home.popen("swap", OTHER[old], *case.flags)
    try:
        wait_for(case.moment, swapping)
        if case.ends:
            swapping.outlive_the_server()
        swapping.kill_the_supervisor()
        begun_s = time.monotonic()
        over.set()
        _, said = client.communicate(timeout=BOUND_S)
    finally:
        over.set()
        client.kill()
        client.communicate()
    if not case.ends:
        # A supervisor that is halted for long is given up by whoever waits for it.
        assert client.returncode == (0 if case.new_serves else 1), said
        assert "another one takes the swap up" in said
    swapping.have_a_supervisor()
    swapping.serves(OTHER[old] if case.new_serves else old)
    assert case.told in swapping.told()
    row.seen = f"{row.expected}, {time.monotonic() - begun_s:.1f} s later"


def wait_for(moment: Found, swapping: Swapping) -> None:
    deadline_s = time.monotonic() + BOUND_S
    while time.monotonic() < deadline_s:
        with suppress(OSError, json.JSONDecodeError):
            if moment(swapping.record()):
                return
        time.sleep(0.002)
    raise AssertionError("the moment never came")


def keep_busy(url: str, model: str, over: threading.Event) -> None:
    """Always something in flight, from two sides that overlap."""
    body = {"model": model, "prompt": "Once", "max_tokens": 1500, "ignore_eos": True}

    def ask() -> None:
        while not over.is_set():
            with suppress(httpx.HTTPError):
                httpx.post(f"{url}/v1/completions", json=body, timeout=60)

    for _ in range(2):
        threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.5)


@pytest.mark.fault_matrix
def test_a_smoke_test_that_fails(swapping: Swapping, row: Row) -> None:
    row.title, row.expected = "smoke test fails in a swap", "the old one serves"
    old = swapping.be_ready()
    ran = swapping.home.run("swap", OTHER[old], "--json", *TOO_SHORT, timeout_s=BOUND_S)
    assert (ran.code, ran.data["rolled_back"]) == (1, True)
    assert ran.data["error"]["kind"] == "smoke_failed"
    swapping.serves(old)
    row.seen = ran.data["error"]["message"][:90]


@pytest.mark.fault_matrix
def test_the_new_one_dies_in_its_start(swapping: Swapping, row: Row) -> None:
    row.title, row.expected = "the new server killed while it loads", "the old one serves"
    old = swapping.be_ready()
    client = swapping.home.popen("swap", OTHER[old], "--json")
    wait_for(at("starting", "starting"), swapping)
    wait_until("a Worker", lambda: facts.part(swapping.home, "Worker"), 120)
    core = facts.part(swapping.home, "EngineCore")
    assert core
    core.kill()
    out, _ = client.communicate(timeout=BOUND_S)
    assert (client.returncode, json.loads(out)["rolled_back"]) == (1, True)
    swapping.serves(old)
    row.seen = json.loads(out)["error"]["message"][:90]


@pytest.mark.fault_matrix
def test_a_stop_ends_a_swap(swapping: Swapping, row: Row) -> None:
    row.title, row.expected = "a stop in a swap", "stopped, nothing left"
    old = swapping.be_ready()
    client = swapping.home.popen("swap", OTHER[old])
    wait_for(at("starting", "starting"), swapping)
    assert swapping.home.run("stop").code == 0
    assert client.wait(30) == 1
    client.communicate()
    assert swapping.until_at_rest()["state"] == "stopped"
    assert swapping.record()["swap"] is None
    facts.no_engine_is_left(swapping.home, swapping.port)
    row.seen = "stopped, nothing left"


@pytest.mark.fault_matrix
def test_a_rollback_that_fails_too_says_both(swapping: Swapping, row: Row, tmp_path: Path) -> None:
    row.title, row.expected = "swap and rollback fail", "failed, both reasons told"
    swapping.be_ready()
    place = swapping.home.root / "data" / "vconsole" / "models" / "demo-lark"
    moved = tmp_path / "moved"
    shutil.copytree(place, moved)
    assert swapping.home.run("swap", str(moved), timeout_s=BOUND_S).code == 0
    shutil.rmtree(moved)
    ran = swapping.home.run("swap", "demo-owl", "--json", *TOO_LONG, timeout_s=BOUND_S)
    assert (ran.code, ran.data["rolled_back"], ran.data["state"]) == (1, False, "failed")
    assert ran.data["error"]["kind"] == "rollback_failed"
    assert "999999" in ran.data["error"]["message"]
    assert "did not come back" in ran.data["error"]["message"]
    facts.no_engine_is_left(swapping.home, swapping.port)
    assert "swap failed" in swapping.told()
    row.seen = ran.data["error"]["message"][:90]
