"""Swaps on a real server with the two demo models: to the end, and back where something fails."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.faults import facts
from tests.support.home import Home, Ran, free_port, wait_until
from tests.support.hub_stand_in import HubStandIn, Repository, hub_stand_in, model_files
from vconsole import paths

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def hub() -> Iterator[HubStandIn]:
    """A Hub with a real model, and one whose licence nobody here has agreed to."""
    folder = paths.resources_dir() / "demo_models" / "demo-owl"
    owl = Repository({path.name: path.read_bytes() for path in folder.iterdir()})
    locked = Repository(model_files(), gated=True)
    with hub_stand_in(acme__owl=owl, acme__locked=locked) as made:
        yield made


@pytest.fixture(scope="module")
def day(
    tmp_path_factory: pytest.TempPathFactory, engine_python: str, hub: HubStandIn
) -> Iterator[Home]:
    """One server that is swapped from test to test; each names what it expects to find."""
    home = Home(tmp_path_factory.mktemp("swaps"), engine_python)
    home.env |= {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    home.env.pop("HF_TOKEN", None)
    try:
        ran = home.run("start", "demo-lark", "--port", str(free_port()))
        assert ran.code == 0, ran.err
        yield home
    finally:
        home.close()


def swap(home: Home, *arguments: str) -> Ran:
    return home.run("swap", "--json", *arguments, timeout_s=240)


def serves(home: Home, model: str) -> dict[str, Any]:
    """One whole tree that answers as `model`; its status."""
    server = home.status()["server"]
    assert (server["state"], server["served_name"]) == ("ready", model)
    assert facts.one_whole_tree(home) == server["pid"]
    assert facts.answers(server["url"], model)
    assert isinstance(server, dict)
    return server


def step_names(ran: Ran) -> list[str]:
    return [step["name"] for step in ran.data["steps"]]


class Asker(threading.Thread):
    """A client that asks again and again, and keeps what it was told."""

    def __init__(self, url: str, model: str = "any", max_tokens: int = 2) -> None:
        super().__init__(daemon=True)
        self.told: list[httpx.Response | str] = []
        self._url = f"{url}/v1/completions"
        self._body = {"model": model, "prompt": "Who are you?", "max_tokens": max_tokens}
        self._over = threading.Event()

    def run(self) -> None:
        body = {**self._body, "ignore_eos": True}
        while not self._over.is_set():
            try:
                self.told.append(httpx.post(self._url, json=body, timeout=120))
            except httpx.HTTPError as error:
                self.told.append(type(error).__name__)
            time.sleep(0.05)

    def __enter__(self) -> Asker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(120)

    def answered(self, status: int) -> list[httpx.Response]:
        found = [one for one in self.told if not isinstance(one, str)]
        return [one for one in found if one.status_code == status]


def test_a_swap_pulls_while_the_old_one_serves_and_keeps_port_and_url(
    day: Home, hub: HubStandIn
) -> None:
    """The repository is that of demo-owl under another name, and vLLM loads what was pulled."""
    before = serves(day, "demo-lark")
    owl = hub.repositories["acme/owl"]
    owl.held = True
    with Asker(before["url"]) as asker, Asker(before["url"], "demo-lark", 300) as busy:
        client = day.popen("swap", "acme/owl", "--served-name", "demo-owl", "--json")
        wait_until("the pull", lambda: steps_under_way(day) == ["pull"], 60)
        assert facts.answers(before["url"], "demo-lark")
        assert "demo-lark is being replaced by demo-owl: pull" in day.run("status").out
        owl.held = False
        out, err = client.communicate(timeout=240)
    assert client.returncode == 0, err
    ended = json.loads(out)
    assert (ended["state"], ended["rolled_back"]) == ("ready", False)
    wanted = ["pull", "plan", "read ahead", "drain and stop", "port free", "memory settled"]
    assert [step["name"] for step in ended["steps"]] == [*wanted, "start", "smoke test"]
    assert all(step["ok"] and step["seconds"] >= 0 for step in ended["steps"])
    after = serves(day, "demo-owl")
    assert (after["url"], after["port"]) == (before["url"], before["port"])
    refused = asker.answered(503)
    assert len(refused) > 20
    assert int(refused[-1].headers["retry-after"]) >= 1
    assert refused[-1].json()["swap"]["to"] == "demo-owl"
    assert "demo-lark is being replaced by demo-owl" in refused[-1].json()["error"]["message"]
    # While it drained: what was in flight was answered in full, and who came new heard from us.
    assert "drain and stop" in {one.json()["swap"]["step"] for one in refused}
    finished = [one.json()["usage"]["completion_tokens"] for one in busy.answered(200)]
    assert set(finished) <= {300}
    events = json.loads(day.run("events", "--kind", "swap", "--json").out.splitlines()[-1])
    assert "demo-lark was replaced by demo-owl" in json.dumps(events)


def steps_under_way(home: Home) -> list[str]:
    swaps = [one for one in home.status()["operations"] if one["kind"] == "swap"]
    return [step["name"] for one in swaps if one["state"] == "running" for step in one["steps"]]


# Of a model that is neither here nor on the Hub, and far too big for any machine of today.
HUGE = """
[models."acme/huge"]
title = "Huge"
weights_bytes = 90_000_000_000_000

[models."acme/huge".config]
architectures = ["LlamaForCausalLM"]
model_type = "llama"
num_hidden_layers = 32
num_attention_heads = 32
num_key_value_heads = 8
hidden_size = 4096
vocab_size = 32000
max_position_embeddings = 32768
"""


def test_what_cannot_be_served_is_refused_before_anything_is_touched(day: Home) -> None:
    before = serves(day, "demo-owl")
    catalogue = day.root / "config" / "vconsole" / "catalogue.toml"
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    catalogue.write_text(HUGE)
    ran = swap(day, "acme/huge")
    assert (ran.code, ran.data["error"]["kind"], ran.data["steps"]) == (5, "too_big", [])
    # Who has not agreed to a licence is refused, by a swap as by `models pull`.
    wanted = {"/no/such/model": 1, "nobody/has-this-model": 1, "acme/locked": 5}
    for model, code in wanted.items():
        ran = swap(day, model)
        assert ran.code == code, ran.err
        assert model in ran.err
    assert ran.data["error"]["kind"] == "gated"
    assert (ran.data["state"], ran.data["rolled_back"]) == ("ready", False)
    assert serves(day, "demo-owl")["pid"] == before["pid"]


def test_a_start_that_fails_brings_the_old_one_back_and_held_requests_with_it(day: Home) -> None:
    before = serves(day, "demo-owl")
    with Asker(before["url"]) as asker:
        ran = swap(day, "demo-lark", "--wait-requests", "--", "--max-model-len", "999999")
    assert ran.code == 1
    assert (ran.data["state"], ran.data["rolled_back"]) == ("ready", True)
    assert ran.data["error"]["kind"] == "max_len_exceeds_model"
    assert "demo-owl serves again" in ran.data["error"]["message"]
    failed = [step["name"] for step in ran.data["steps"] if not step["ok"]]
    assert failed == ["start"]
    serves(day, "demo-owl")
    # Who asked meanwhile was held and then answered by the old one: `any` is no model of its own.
    assert asker.answered(503) == []
    assert max(one.elapsed.total_seconds() for one in asker.answered(404)) > 5


@pytest.mark.long
def test_a_profile_falls_back_where_memory_does_not_suffice(day: Home) -> None:
    serves(day, "demo-owl")
    profiles = day.root / "config" / "vconsole" / "profiles.toml"
    profiles.parent.mkdir(parents=True, exist_ok=True)
    profiles.write_text(
        "[big]\nmodel = 'demo-owl'\nfallback = ['demo-lark']\nplan = false\n"
        "env = {VLLM_CPU_KVCACHE_SPACE = '4000'}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        # What the user's environment says goes before what a profile says.
        patch.delitem(day.env, "VLLM_CPU_KVCACHE_SPACE")
        ran = swap(day, "big")
    assert ran.code == 0, ran.err
    starts = [step for step in ran.data["steps"] if step["name"].endswith("start")]
    # The plan may see it coming; what it lets pass, vLLM refuses.
    assert [step["ok"] for step in starts] in ([True], [False, True]), ran.data["steps"]
    serves(day, "demo-lark")
    (why,) = [step["detail"] for step in ran.data["steps"] if step["name"] == "fall back"]
    assert " does not fit (" in why
    assert why.endswith("; falling back to demo-lark")
    assert why in day.run("events", "--kind", "swap").out
