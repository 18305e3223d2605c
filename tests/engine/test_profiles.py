"""Profiles against a real engine: made of what runs, checked by its own parser, as a command."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.conftest import Served
from tests.support.home import free_port
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import Profile

pytestmark = pytest.mark.engine


def test_what_runs_becomes_a_profile_that_says_the_same(served: Served) -> None:
    home = served.home
    saved = home.run("profile", "save", "mine", "--from-running", "--json")
    assert saved.code == 0, saved.err
    assert saved.data["flags"] == {"enforce-eager": True, "max-num-seqs": 64}
    assert home.run("profile", "save", "mine").code == 5
    assert home.run("profile", "save", "mine", "--replace").code == 0
    assert json.loads(home.run("profile", "diff", "mine", "--json").out)["differences"] == []
    assert home.run("profile", "show", "mine", "--check", "--json").data["faults"] == []
    running = shlex.split(home.run("profile", "command", "--running").out)
    of_profile = shlex.split(home.run("profile", "command", "mine").out)
    assert running == list(home.status()["server"]["command"])
    assert set(running) <= set(of_profile)


def test_a_flag_that_this_engine_does_not_know_is_named_and_nothing_is_spawned(
    served: Served,
) -> None:
    home = served.home
    path = home.root / "config" / "vconsole" / "profiles.toml"
    save_profile("odd", Profile("demo", flags={"max-modle-len": 100}), path)
    (fault,) = home.run("profile", "show", "odd", "--check", "--json").data["faults"]
    assert "--max-modle-len" in fault
    assert "is it --max-model-len?" in fault
    ours = ("--name", "odd", "--port", str(free_port()), "--json")
    ran = home.run("start", "odd", *ours)
    assert (ran.code, ran.data["error"]["kind"]) == (2, "bad_argument")
    assert home.status("odd")["server"]["pid"] is None
    assert home.run("profile", "rm", "odd").code == 0
    assert "odd" not in home.run("profile", "list").out


def test_the_engines_own_help_can_be_searched(served: Served) -> None:
    found = served.home.run("profile", "options", "speculative", "--json").data
    assert found["version"] == served.home.status()["engine"]["version"]
    assert found["options"][0]["names"][0] == "--speculative-config"
    assert "Speculative" in found["options"][0]["help"]
    topics = {"lora": "--lora-modules", "prefix cache": "--enable-prefix-caching"}
    topics |= {"multi gpu": "--tensor-parallel-size", "cuda graphs": "--enforce-eager"}
    for words, name in topics.items():
        options = served.home.run("profile", "options", words, "--json").data["options"]
        assert name in [option["names"][0] for option in options][:9], words
