"""What is in the cache, taken out of it, searched for, and asked about."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import Home, wait_until
from tests.support.hub_stand_in import HubStandIn, Repository, model_files

pytestmark = pytest.mark.slow

MIB = 1 << 20


def folder(user: Home, name: str) -> Path:
    return user.root / "hub" / "hub" / f"models--{name.replace('/', '--')}"


def test_rm_asks_says_what_it_frees_and_frees_it(user: Home) -> None:
    assert user.run("models", "pull", "acme/small").code == 0
    dry = user.run("models", "rm", "acme/small", "--dry-run", "--json")
    assert dry.data["freed_bytes"] > 300_000
    assert dry.data["removed"] is False
    assert folder(user, "acme/small").is_dir()
    refused = user.run("models", "rm", "acme/small")
    assert refused.code == 2
    assert "--yes" in refused.err
    done = user.run("models", "rm", "acme/small", "--yes", "--json")
    assert done.data == {**dry.data, "removed": True}
    assert not folder(user, "acme/small").exists()
    again = user.run("models", "rm", "acme/small", "--yes", "--json")
    assert again.data["error"]["kind"] == "not_found"


def test_nothing_is_removed_read_only(user: Home) -> None:
    assert user.run("models", "pull", "acme/small").code == 0
    assert user.run("--readonly", "models", "rm", "acme/small", "--yes").code == 5
    assert folder(user, "acme/small").is_dir()


def test_what_is_being_pulled_is_not_removed(user: Home, hub: HubStandIn) -> None:
    hub.repositories["acme/big"] = Repository(model_files(20 * MIB), pause_s=0.3)
    assert user.run("models", "pull", "acme/big", "--no-wait").code == 0
    ran = user.run("models", "rm", "acme/big", "--yes", "--json")
    assert ran.data["error"]["kind"] in {"in_use", "not_found"}


def test_search_finds_by_name_and_marks_what_is_here(user: Home) -> None:
    assert user.run("models", "pull", "acme/small").code == 0
    ran = user.run("models", "search", "acme")
    assert ran.code == 0, ran.err
    assert "acme/locked" in ran.out
    small = next(line for line in ran.out.splitlines() if "acme/small" in line)
    assert "on disk" in small
    data = user.run("models", "search", "acme", "--json").data["models"]
    assert {one["name"] for one in data} == {"acme/small", "acme/locked"}
    assert [one["gated"] for one in data if one["name"] == "acme/locked"] == [True]
    assert "no model of that name" in user.run("models", "search", "zzz").out


def test_refresh_fills_in_and_never_overwrites(user: Home, hub: HubStandIn) -> None:
    own = user.root / "config" / "vconsole" / "catalogue.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[models."acme/small"]\ntitle = "Small"\nlicense = "mine"\n')
    ran = user.run("models", "refresh", "acme/small", "acme/nothing", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.data["filled"]["acme/small"]) >= {"weights_bytes", "config", "gated"}
    assert ran.data["differs"]["acme/small"] == ["license: mine here, apache-2.0 on the Hub"]
    assert "acme/nothing" in ran.data["failed"]
    row = user.run("models", "list", "acme/small", "--json").data["models"][0]
    assert row["license"] == "mine"
    assert row["bytes"] == len(hub.repositories["acme/small"].files["model.safetensors"])
    assert row["sources"]["weights_bytes"] == "the Hub"


def test_refresh_without_a_network_keeps_what_there_was(user: Home) -> None:
    user.env["HF_HUB_OFFLINE"] = "1"
    ran = user.run("models", "refresh", "acme/small", "--json")
    assert ran.code == 1
    assert ran.data["error"]["kind"] == "offline"


def test_plain_folders_and_demo_models_are_listed(user: Home) -> None:
    shelf = user.root / "shelf"
    (shelf / "owner" / "mine").mkdir(parents=True)
    for name, content in model_files(9_000).items():
        (shelf / "owner" / "mine" / name).write_bytes(content)
    (shelf / "no-model").mkdir()
    user.env["VCONSOLE_MODELS_FOLDERS"] = str(shelf)
    rows = user.run("models", "list", "--local", "--json").data["models"]
    found = {row["name"]: row["source"] for row in rows}
    assert found == {"demo-lark": "demo", "demo-owl": "demo", "owner/mine": "folder"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "small"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(mounted)], check=True)
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


@pytest.mark.root
def test_a_small_disk_is_noticed_before_anything_is_brought(
    user: Home, hub: HubStandIn, small_disk: Path
) -> None:
    hub.repositories["acme/big"] = Repository(model_files(20 * MIB))
    user.env["HF_HOME"] = str(small_disk)
    ran = user.run("models", "pull", "acme/big", "--json")
    assert ran.code == 1
    assert ran.data["error"]["kind"] == "disk_full"
    assert "HF_HOME" in ran.err
    assert "model.safetensors" not in dict(hub.ranges)


@pytest.mark.root
def test_a_disk_that_fills_meanwhile_keeps_what_has_come(
    user: Home, hub: HubStandIn, small_disk: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,size=48m", str(small_disk)], check=True)
    hub.repositories["acme/big"] = Repository(model_files(30 * MIB), pause_s=0.1)
    user.env["HF_HOME"] = str(small_disk)
    assert user.run("models", "pull", "acme/big", "--no-wait").code == 0
    wait_until("a piece came", lambda: hub.sent_bytes > 12 * MIB)
    (small_disk / "another").write_bytes(b"z" * 25 * MIB)
    ran = user.run("models", "pull", "acme/big", "--json")
    assert ran.data["error"]["kind"] == "disk_full"
    assert "goes on where it stopped" in ran.err or "make room" in ran.err
    (small_disk / "another").unlink()
    again = user.run("models", "pull", "acme/big")
    assert again.code == 0, again.err
    assert shutil.disk_usage(small_disk).used > 30 * MIB
