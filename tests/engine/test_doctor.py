"""The doctor on the real CPU engine with a real server: green but for what this host lacks."""

from __future__ import annotations

import pytest

from tests.conftest import Served
from tests.support.home import Home, free_port, wait_until

pytestmark = pytest.mark.engine
# What a machine for tests may lack without anything being wrong with vconsole or its engine.
OF_THE_HOST = {"clock", "swap", "linger", "models-disk", "logs-disk", "memory", "shared-memory"}
FOR_CARDS = {"driver", "flashinfer", "flashinfer-kernels", "flashinfer-used", "cuda-graphs"}
FOR_CARDS |= {"memory-utilization", "cards", "tenants", "persistence-mode", "pcie-link"}


def test_it_is_green_on_the_cpu_engine(served: Served) -> None:
    wait_until("the first scrape", lambda: served.home.status()["metrics"] is not None, 10)
    ran = served.home.run("doctor", "--json")
    found = {one["name"]: one for one in ran.data["checks"]}
    for name, one in found.items():
        if name not in OF_THE_HOST:
            assert one["status"] in ("ok", "not applicable"), one
    assert {n for n in FOR_CARDS if found[n]["status"] == "not applicable"} == FOR_CARDS
    assert found["prefix-caching"]["status"] == "ok"
    assert (ran.data["score"], ran.data["server"]) == (1.0, "main")
    assert ran.data["arithmetic"] == "3 of 3 optimisations in place"


def test_it_starts_and_stops_nothing(served: Served) -> None:
    before = served.home.status()["server"]
    assert served.home.run("doctor").code == 0
    after = served.home.status()["server"]
    assert (before["pid"], before["state"]) == (after["pid"], after["state"])


def test_without_a_server_its_checks_do_not_apply(home: Home) -> None:
    found = {one["name"]: one for one in home.run("doctor", "--json").data["checks"]}
    assert found["engine"]["status"] == "ok"
    assert found["prefix-caching"]["status"] == "not applicable"
    assert home.status()["server"]["state"] == "stopped"


@pytest.mark.long
def test_what_a_flag_holds_back_is_mended_by_one_fix_and_its_gain_measured(home: Home) -> None:
    """The same as `f` on the Host screen: a restart with the flag changed, timed on both sides."""
    started = home.run(
        *("start", "demo", "--port", str(free_port()), "--", "--no-enable-prefix-caching")
    )
    assert started.code == 0, started.err
    wait_until("the first scrape", lambda: home.status()["metrics"] is not None, 60)
    before = home.run("doctor", "--json").data
    assert before["missing"] == ["prefix-caching"]
    assert before["arithmetic"] == "2 of 3 optimisations in place"
    mended = home.run(*("doctor", "--fix", "--only", "prefix-caching", "--yes", "--json"))
    assert mended.code == 0, mended.err
    assert "The server is started again with --enable-prefix-caching." in mended.err
    found = {one["name"]: one for one in mended.data["checks"]}["prefix-caching"]
    assert (found["status"], mended.data["score"]) == ("ok", 1.0)
    assert found["gain"].startswith("measured ")
