"""Profiles: TOML in and out with its comments, flags there and back, diffs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from vconsole.errors import VConsoleError
from vconsole.models.profile_file import remove_profile, require_profile, save_profile
from vconsole.models.profile_flags import difference_of, table_of
from vconsole.models.profiles import Profile, load_profiles

FLAGS = (
    *("--max-model-len", "4096", "--enforce-eager", "--no-enable-prefix-caching"),
    *("--gpu-memory-utilization", "0.9", "--lora-modules", "a=/x", "b=/y"),
    *("--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3}'),
    *("--revision", "007", "--max-num-batched-tokens=8k", "-tp", "2", "--override.a.b", "1"),
)


def test_flags_come_back_as_they_meant() -> None:
    table = table_of(FLAGS)
    assert table["max-model-len"] == 4096
    assert table["enforce-eager"] is True
    assert table["enable-prefix-caching"] is False
    assert table["lora-modules"] == ["a=/x", "b=/y"]
    assert table["speculative-config"] == {"method": "ngram", "num_speculative_tokens": 3}
    assert table["revision"] == "007"
    assert table["max-num-batched-tokens"] == "8k"
    assert table["tensor-parallel-size"] == 2
    assert table_of(Profile("m", flags=table).arguments()) == table


def test_a_saved_profile_keeps_the_rest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(
        "# mine\n[big]\nmodel = 'acme/big'  # the good one\n[big.flags]\n"
        "max-model-len = 8192  # measured\nenforce-eager = true\n\n[other]\nmodel = 'demo'\n"
    )
    big = require_profile("big", path)
    save_profile("big", Profile(big.model, flags={**big.flags, "enforce-eager": False}), path)
    save_profile("new", Profile("demo", port=8001, flags=table_of(FLAGS)), path)
    text = path.read_text()
    for kept in ("# mine", "# the good one", "8192  # measured", "[other]"):
        assert kept in text
    found = load_profiles(path)
    assert found["big"].flags == {"max-model-len": 8192, "enforce-eager": False}
    assert found["new"] == Profile("demo", port=8001, flags=table_of(FLAGS))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    remove_profile("new", path)
    assert set(load_profiles(path)) == {"big", "other"}


def test_what_cannot_be_read_or_named_is_refused_and_nothing_lost(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text("[half\n")
    with pytest.raises(VConsoleError, match="cannot read the profiles"):
        save_profile("a", Profile("m"), path)
    assert path.read_text() == "[half\n"
    with pytest.raises(VConsoleError, match="cannot be a profile's name"):
        save_profile("a b", Profile("m"), tmp_path / "other.toml")
    with pytest.raises(VConsoleError, match="there is no profile 'c'"):
        require_profile("c", tmp_path / "other.toml")


def test_a_difference_names_both_sides() -> None:
    assert difference_of({"a": 1, "b": True, "c": "x"}, {"a": 2, "c": "x", "d": [1, 2]}) == (
        "- a = 1",
        "+ a = 2",
        "- b = true",
        "+ d = 1 2",
    )
