"""Pulling by the command: progress, resume, refusals in words, and nothing lost on the way."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.home import Home, wait_until
from tests.support.hub_stand_in import TOKEN, HubStandIn, Repository, model_files

pytestmark = [pytest.mark.slow, pytest.mark.alone]

# The library writes what it has received in pieces of this size.
PIECE = 10 << 20


def snapshot(user: Home, name: str) -> Path:
    folder = user.root / "hub" / "hub" / f"models--{name.replace('/', '--')}"
    return folder / "snapshots" / (folder / "refs" / "main").read_text()


def test_a_pull_brings_what_vllm_needs_and_says_the_verdict_first(
    user: Home, hub: HubStandIn
) -> None:
    ran = user.run("models", "pull", "acme/small", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["state"] == "done"
    assert "on this machine:" in ran.err
    assert ran.err.index("on this machine:") < ran.err.index("100 %")
    found = {path.name for path in snapshot(user, "acme/small").iterdir()}
    assert found == {"config.json", "tokenizer.json", "model.safetensors"}
    weights = (snapshot(user, "acme/small") / "model.safetensors").read_bytes()
    assert weights == hub.repositories["acme/small"].files["model.safetensors"]
    listed = user.run("models", "list", "--local", "--json").data["models"]
    row = next(row for row in listed if row["name"] == "acme/small")
    assert (row["source"], row["incomplete"]) == ("cache", False)
    assert row["path"] == str(snapshot(user, "acme/small"))


def test_a_connection_that_breaks_is_taken_up_where_it_broke(user: Home, hub: HubStandIn) -> None:
    hub.repositories["acme/big"] = Repository(model_files(2 * PIECE), drops=[PIECE + 1_000_000])
    ran = user.run("models", "pull", "acme/big")
    assert ran.code == 0, ran.err
    asked = [given for name, given in hub.ranges if name == "model.safetensors"]
    assert asked[0] is None
    assert asked[1] is not None
    assert int(asked[1].removeprefix("bytes=").rstrip("-")) > 0


def test_a_killed_pull_goes_on_where_it_stopped(user: Home, hub: HubStandIn) -> None:
    files = model_files(4 * PIECE)
    hub.repositories["acme/big"] = Repository(files, pause_s=0.1)
    begun = user.run("models", "pull", "acme/big", "--no-wait", "--json")
    assert begun.code == 0, begun.err
    wait_until("half of it came", lambda: hub.sent_bytes > 2.5 * PIECE)
    puller = next(p for p in user.processes() if "vconsole.models.hub.fetch" in p.cmdline())
    puller.send_signal(signal.SIGKILL)
    wait_until("it was told", lambda: _pulls(user)[0]["state"] == "failed")
    assert "continues where it stopped" in _pulls(user)[0]["error"]["remedy"]
    row = _row(user, "acme/big")
    assert row["incomplete"] is True
    assert row["incomplete_bytes"] >= PIECE

    hub.repositories["acme/big"].pause_s = 0
    hub.ranges.clear()
    again = user.run("models", "pull", "acme/big")
    assert again.code == 0, again.err
    given = dict(hub.ranges)["model.safetensors"]
    assert given is not None
    assert int(given.removeprefix("bytes=").rstrip("-")) >= PIECE
    weights = (snapshot(user, "acme/big") / "model.safetensors").read_bytes()
    assert weights == files["model.safetensors"]


def test_a_pull_outlives_the_supervisor_and_the_next_one_tells_of_it(
    user: Home, hub: HubStandIn
) -> None:
    hub.repositories["acme/big"] = Repository(model_files(3 * PIECE), pause_s=0.1)
    assert user.run("models", "pull", "acme/big", "--no-wait").code == 0
    wait_until("it came along", lambda: hub.sent_bytes > PIECE / 2)
    supervisor = user.run("supervisor", "status", "--json").data["pid"]
    next(p for p in user.processes() if p.pid == supervisor).send_signal(signal.SIGKILL)
    before = hub.sent_bytes
    wait_until("it went on alone", lambda: hub.sent_bytes > before + PIECE / 2)
    user.run("supervisor", "status")
    assert user.run("models", "pull", "acme/big").code == 0
    assert [given for name, given in hub.ranges if name == "model.safetensors"] == [None]


def test_a_pull_is_seen_in_status_and_steps_back(user: Home, hub: HubStandIn) -> None:
    hub.repositories["acme/big"] = Repository(model_files(4 * PIECE), pause_s=0.2)
    begun = user.run("models", "pull", "acme/big", "--no-wait", "--json").data
    wait_until("it told how far", lambda: (_operation(user)["done_bytes"] or 0) >= PIECE)
    operation = _operation(user)
    assert (operation["kind"], operation["subject"]) == ("pull", "acme/big")
    assert operation["total_bytes"] == begun["bytes"]
    puller = next(p for p in user.processes() if "vconsole.models.hub.fetch" in p.cmdline())
    assert puller.nice() >= 10
    again = user.run("models", "pull", "acme/big", "--no-wait", "--json").data
    assert again["id"] == begun["id"], "one pull of a repository at a time"
    assert user.run("models", "cancel", begun["id"]).code == 0
    wait_until("it ended", lambda: _operation(user)["state"] == "failed")
    assert _operation(user)["error"]["kind"] == "cancelled"
    assert not puller.is_running()


def test_a_gated_repository_says_where_to_accept(user: Home) -> None:
    ran = user.run("models", "pull", "acme/locked", "--json")
    assert ran.code == 5
    assert ran.data["error"]["kind"] == "gated"
    assert "https://huggingface.co/acme/locked" in ran.err
    assert "hf auth login" in ran.err


def test_a_token_lets_in_and_is_nowhere_to_be_seen(user: Home, hub: HubStandIn) -> None:
    hub.repositories["acme/locked"].pause_s = 0.5
    hub.repositories["acme/locked"].files |= {"model.safetensors": b"y" * 3_000_000}
    user.env["HF_TOKEN"] = TOKEN
    assert user.run("models", "pull", "acme/locked", "--no-wait").code == 0
    puller = next(p for p in user.processes() if "vconsole.models.hub.fetch" in p.cmdline())
    assert TOKEN not in " ".join(puller.cmdline())
    kept = [path for path in user.state.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]
    ran = user.run("models", "pull", "acme/locked")
    assert ran.code == 0, ran.err


def test_a_missing_repository_is_named(user: Home) -> None:
    ran = user.run("models", "pull", "acme/nothing", "--json")
    assert ran.code == 1
    assert ran.data["error"]["kind"] == "not_found"
    assert "models search" in ran.err


def test_offline_is_named(user: Home) -> None:
    user.env["HF_HUB_OFFLINE"] = "1"
    ran = user.run("models", "pull", "acme/small", "--json")
    assert ran.code == 1
    assert ran.data["error"]["kind"] == "offline"
    assert "HF_HUB_OFFLINE" in ran.err


def test_more_than_the_disk_holds_is_refused_before_a_byte(user: Home, hub: HubStandIn) -> None:
    hub.repositories["acme/small"].claimed_bytes = 10**15
    ran = user.run("models", "pull", "acme/small", "--anyway", "--json")
    assert ran.code == 1
    assert ran.data["error"]["kind"] == "disk_full"
    assert "1000000.0 GB" in ran.err
    assert "model.safetensors" not in dict(hub.ranges)


def _pulls(user: Home) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.run("models", "pulls", "--json").data["pulls"]
    return found


def _operation(user: Home) -> dict[str, Any]:
    found: list[dict[str, Any]] = user.status()["operations"]
    return next(one for one in found if one["kind"] == "pull")


def _row(user: Home, name: str) -> dict[str, Any]:
    rows = json.loads(user.run("models", "list", "--json").out)["models"]
    found: dict[str, Any] = next(row for row in rows if row["name"] == name)
    return found
