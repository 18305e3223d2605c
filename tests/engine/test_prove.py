"""A proof on two real servers: ours, and one that stands where Ollama's `/v1` would.

Ollama's own routes are its stand-in's, which passes `/v1` on to the second server.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.home import Home, free_port, wait_until
from tests.support.ollama_stand_in import OllamaStandIn, ollama_stand_in
from vconsole.cli.servers.follow import until_ended
from vconsole.requests.bench.model import Load, Measured
from vconsole.requests.bench.plan import Source
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.proving import session as proving
from vconsole.supervisor.proving.legs import RIVALS
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.proving.rival import Found, Rival

pytestmark = pytest.mark.engine

# What a proof has to turn, and to turn back.
OWN_FLAG = "--no-enable-prefix-caching"
LOAD = ("--concurrency", "4", "--requests", "8", "--repeats", "2")
QUICK = (*LOAD, "--input-tokens", "16", "--output-tokens", "8")
LLAMA = "llama3:8b"
LIMIT_S = 900


@dataclass(frozen=True)
class Pair:
    home: Home
    ollama: OllamaStandIn
    owl: str

    @property
    def server(self) -> dict[str, Any]:
        found = self.home.status()["server"]
        assert isinstance(found, dict)
        return found

    @property
    def taken(self) -> object:
        return self.home.run("ollama", "status", "--json").data["taken"]

    def asked(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.ollama.asked if asked == path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Pair]:
    home = Home(tmp_path_factory.mktemp("proof"), engine_python)
    with ollama_stand_in(llama3_8b=9 * 10**9) as ollama:
        home.env |= {"OLLAMA_HOST": ollama.url, "OLLAMA_MODELS": "/nowhere"}
        try:
            ours = ("start", "demo-lark", "--port", str(free_port()), "--json", "--", OWN_FLAG)
            other = ("start", "demo-owl", "--name", "owl", "--port", str(free_port()), "--json")
            started = home.run(*ours, timeout_s=600)
            assert started.code == 0, started.err
            owl = home.run(*other, timeout_s=600)
            assert owl.code == 0, owl.err
            ollama.v1, ollama.v1_model = owl.data["url"], owl.data["served_name"]
            yield Pair(home, ollama, owl.data["url"])
        finally:
            home.close()


def begun(pair: Pair, *more: str) -> Any:
    """A proof in a process of its own, once it has asked Ollama's model something."""
    before = len(pair.asked("/v1/completions"))
    process = pair.home.popen("prove", *QUICK, *more)
    wait_until("Ollama is asked", lambda: len(pair.asked("/v1/completions")) > before + 2, 300)
    return process


@pytest.mark.long
def test_interrupted_it_gives_all_back_and_goes_on_to_a_card(pair: Pair, tmp_path: Path) -> None:
    before = pair.server
    process = begun(pair)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130, said
    assert "all is as before" in said
    assert list(pair.ollama.loaded) == [LLAMA]
    assert pair.taken is None
    assert pair.server["pid"] == before["pid"]

    files = ("--markdown", str(tmp_path / "card.md"), "--svg", str(tmp_path / "card.svg"))
    ran = pair.home.run("prove", *QUICK, *files, "--json", timeout_s=LIMIT_S)
    assert ran.code == 0, ran.err
    card = ran.data
    claims = {claim["id"]: claim for claim in card["claims"]}
    assert (card["ours"]["model"], card["rival"]["model"]) == ("demo-lark", LLAMA)
    for name in ("throughput", "throughput_single", "latency_first_token", "prefix_caching"):
        assert claims[name]["ratio"] > 0, name
        assert "2 and 2 repeats" in claims[name]["rests_on"]
    # A model of a few MB needs less than the 8.4 GiB that the stand-in says.
    assert claims["memory"]["verdict"] == "confirmed"
    for name in ("flashinfer", "cuda_graphs"):
        assert claims[name]["verdict"] == "not run"
        assert "not run on CUDA" in claims[name]["figures"]
    assert sum(card["counts"].values()) == len(claims) == 10

    # By the book: noted, unloaded before anything was measured, loaded again at the end.
    assert list(pair.ollama.loaded) == [LLAMA]
    assert pair.taken is None
    verbs = [body.get("keep_alive") for body in pair.asked("/api/generate")]
    assert verbs == [0, -1, 0, -1], "for ever, as they were loaded"
    after = pair.server
    assert (after["state"], after["flags"]) == ("ready", before["flags"])
    assert after["profile"] == before["profile"]

    assert "Was leaving Ollama worth it?" in (tmp_path / "card.md").read_text()
    words = " ".join(ElementTree.parse(tmp_path / "card.svg").getroot().itertext())
    assert "not run on CUDA" in words
    again = pair.home.run("prove", "--last", "--json")
    assert (again.code, again.data["claims"]) == (0, card["claims"])


def test_after_a_death_undo_gives_ollama_back(pair: Pair) -> None:
    # So many repeats that it is still at its first stage, for which nothing is started anew.
    process = begun(pair, "--repeats", "50")
    refused = pair.home.run("prove", *QUICK, "--json")
    assert (refused.code, refused.data["error"]["kind"]) == (5, "in_hand")
    process.kill()
    process.communicate()
    assert pair.taken is not None
    undone = pair.home.run("prove", "--undo", "--json", timeout_s=LIMIT_S)
    assert (undone.code, undone.data) == (0, {"undone": True})
    assert list(pair.ollama.loaded) == [LLAMA]
    assert pair.taken is None
    assert pair.home.run("prove", "--undo").code == 5


def test_another_server_takes_ollamas_place_and_its_memory_is_read(pair: Pair) -> None:
    """Nothing has to be started anew: this one caches prefixes already."""
    lark, before = pair.server, pair.home.status("owl")["server"]["pid"]
    against = ("--name", "owl", "--against", f"{lark['url']}=lark")
    ran = pair.home.run("prove", *against, *QUICK, "--json", timeout_s=LIMIT_S)
    assert ran.code == 0, ran.err
    card = ran.data
    assert (card["rival"]["name"], card["rival"]["model"]) == ("lark", "demo-lark")
    assert card["rival"]["version"].startswith(lark["engine_version"])
    claims = {claim["id"]: claim for claim in card["claims"]}
    assert claims["throughput"]["text"].endswith("than lark")
    assert claims["throughput"]["ratio"] > 0
    # Two processes of one engine, whose models are of a few MB: within a factor of two.
    assert 0.5 < claims["memory"]["ratio"] < 2
    assert list(pair.ollama.loaded) == [LLAMA]
    assert pair.home.status("owl")["server"]["pid"] == before


@pytest.mark.long
def test_where_both_need_the_card_ours_rests_and_loses_nothing_by_that(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a host with one card, which this one is told to be; here the owl is ours."""
    for name, value in pair.home.env.items():
        monkeypatch.setenv(name, value)
    pair.ollama.v1, pair.ollama.v1_model = pair.server["url"], "demo-lark"
    rival = Rival("Ollama", pair.ollama.url, LLAMA, is_ollama=True, beside=False)

    async def alone(*_: object) -> Found:
        return Found(rival)

    monkeypatch.setattr(proving, "find_rival", alone)
    given = pair.home.state / "servers" / "owl" / "environment.json"
    given.write_text(json.dumps({**json.loads(given.read_text()), "VLLM_API_KEY": "a-key"}))
    before, states = pair.home.status("owl")["server"], dict[Leg, str]()
    client = SupervisorClient(pair.home.socket)

    def took(leg: Leg, _measured: Measured) -> None:
        states[leg] = client.server("owl").state

    session = proving.Session(client, "owl", lambda operation: until_ended(client, operation)[0])
    lengths = Source(input_tokens=16, output_tokens=8)
    wanted = proving.Wanted(lengths, Load(4, requests=8, warm_up=4), repeats=2)
    try:
        journal = session.run(wanted, proving.Listener(print, took))
    finally:
        session.put_back()
    assert {leg for leg, state in states.items() if state == "stopped"} == RIVALS
    assert {leg for leg, state in states.items() if state == "ready"} == {
        *(Leg.SINGLE, Leg.BATCHED, Leg.PREFIX_COLD, Leg.PREFIX_WARM)
    }
    assert not journal.rests
    after = pair.home.status("owl")["server"]
    assert (after["state"], after["flags"]) == ("ready", before["flags"])
    assert json.loads(given.read_text())["VLLM_API_KEY"] == "a-key"
    assert list(pair.ollama.loaded) == [LLAMA]
    assert pair.taken is None
