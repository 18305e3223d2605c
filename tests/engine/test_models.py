"""Models and a real server: what it serves is not removed, and a pull does not disturb it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.home import Home, free_port
from tests.support.hub_stand_in import Repository, hub_stand_in, model_files
from vconsole import paths

pytestmark = pytest.mark.engine
MIB = 1 << 20


def put_into_cache(home: Home, name: str) -> Path:
    """The demo model, laid out as the Hub's cache has it."""
    folder = home.root / "hub" / "hub" / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / ("b" * 40)
    shutil.copytree(paths.resources_dir() / "demo_models" / "demo-lark", snapshot)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("b" * 40)
    return folder


def test_a_served_model_stays_and_a_pull_leaves_it_serving(home: Home) -> None:
    folder = put_into_cache(home, "acme/lark")
    port = str(free_port())
    started = home.run("start", "acme/lark", "--port", port, "--json", "--", "--enforce-eager")
    assert started.code == 0, started.err
    listed = home.run("models", "list", "acme/lark", "--json").data["models"]
    assert [(row["source"], row["incomplete"]) for row in listed] == [("cache", False)]
    refused = home.run("models", "rm", "acme/lark", "--yes", "--json")
    assert refused.code == 5
    assert refused.data["error"]["kind"] == "in_use"
    assert "vconsole stop --name main" in refused.err

    with hub_stand_in(acme__big=Repository(model_files(60 * MIB), pause_s=0.05)) as hub:
        home.env |= {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        assert home.run("models", "pull", "acme/big", "--no-wait").code == 0
        assert home.run("smoke").code == 0
        assert home.run("models", "pull", "acme/big").code == 0
    assert home.status()["server"]["state"] == "ready"

    assert home.run("stop").code == 0
    assert home.run("models", "rm", "acme/lark", "--yes").code == 0
    assert not folder.exists()
