"""Verbs that meet each other on a real server: each meeting has one outcome."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.home import Home, free_port, wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def ready(home: Home) -> Home:
    assert home.run("start", "demo", "--port", str(free_port())).code == 0
    return home


def test_a_start_during_a_stop_is_refused_and_two_stops_are_one(ready: Home) -> None:
    assert ready.run("stop", "--no-wait").code == 0
    meanwhile = ready.run("start", "demo", "--json")
    assert (meanwhile.code, meanwhile.data["error"]["kind"]) == (5, "busy")
    with ThreadPoolExecutor(3) as pool:
        codes = list(pool.map(lambda _: ready.run("stop").code, range(3)))
    assert set(codes) <= {0, 3}
    assert 0 in codes
    assert ready.status()["server"]["state"] == "stopped"


def test_two_homes_cannot_load_for_one_port(
    home: Home, engine_python: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = str(free_port())
    other = Home(tmp_path_factory.mktemp("other"), engine_python)
    try:
        assert home.run("start", "demo", "--port", port, "--no-wait").code == 0
        wait_until("it loads", lambda: home.status()["server"]["phase"] is not None, 30)
        ran = other.run("start", "demo", "--port", port, "--json")
        assert (ran.code, ran.data["error"]["kind"]) == (5, "port_in_use")
    finally:
        other.close()


@pytest.mark.root
def test_another_user_cannot_speak_to_the_supervisor(home: Home) -> None:
    assert home.run("ollama", "status").code == 0, "it has started a supervisor"
    url = "http://localhost/v1/supervisor"
    asked = ["curl", "-sS", "--unix-socket", str(home.socket), url]
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *asked]
    refused = subprocess.run(as_nobody, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    # Even where the folder lets a stranger through, the kernel's word on who calls decides.
    for folder in (home.root, *home.socket.parents):
        if folder.is_relative_to(home.root.parent):
            folder.chmod(0o755)
    home.socket.chmod(0o666)
    for folder in home.root.parents:
        if folder.name.startswith("pytest-"):
            folder.chmod(0o755)
    said = subprocess.run(as_nobody, capture_output=True, text=True, check=False)
    assert '"not_yours"' in said.stdout
    home.state.chmod(0o700)
