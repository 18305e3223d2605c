"""Engines side by side, really started: an upgrade that takes over, one that fails, the way back.

The new one is the shared engine, by hard links. The old one is the same under another name, since
who becomes current when does not depend on it; `make long` installs vLLM 0.31 from the package
index in its place, as a user would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.engine_copies import link_engine
from tests.support.home import Home

pytestmark = pytest.mark.engine
OLD_VERSION = "0.31.0"
# Some 120 packages are unpacked and compiled: two minutes of an idle machine.
INSTALL_TIMEOUT_S = 1800


@dataclass(frozen=True)
class TwoEngines:
    """A home with the engine `new` beside the current one, which is called `old`."""

    home: Home
    old: str
    new: str


@pytest.fixture(
    scope="module", params=["before", pytest.param(f"{OLD_VERSION}-cpu", marks=pytest.mark.long)]
)
def two_engines(
    tmp_path_factory: pytest.TempPathFactory, engine_python: str, request: pytest.FixtureRequest
) -> Iterator[TwoEngines]:
    home = Home(tmp_path_factory.mktemp("upgrade"), engine_python)
    del home.env["VCONSOLE_ENGINE"]
    engines = home.root / "data" / "vconsole" / "engines"
    shared = Path(engine_python)
    new = f"{_version(home, shared)}-cpu"
    old = str(request.param)
    assert old != new, "the shared engine is the old one: upgrade it"
    if old == "before":
        link_engine(shared, engines / old)
    else:
        made = home.run(
            *("engine", "install", "--cpu", "--version", OLD_VERSION, "--yes", "--json"),
            timeout_s=INSTALL_TIMEOUT_S,
        )
        assert made.code == 0, made.err
        assert made.data["version"] == OLD_VERSION
    link_engine(shared, engines / new)
    assert home.run("engine", "use", old).code == 0
    yield TwoEngines(home, old, new)
    home.close()


def _version(home: Home, python: Path) -> str:
    data = Home(home.root / "asked", str(python)).run("engine", "status", "--json").data
    return str(data["version"])


def names(home: Home) -> dict[str, tuple[bool, bool]]:
    rows = home.run("engine", "list", "--json").data["engines"]
    return {row["id"]: (row["current"], row["previous"]) for row in rows}


def upgrade(engines: TwoEngines, *arguments: str) -> tuple[str, ...]:
    version = engines.new.removesuffix("-cpu")
    return ("engine", "upgrade", "--version", version, "--yes", "--json", *arguments)


def test_a_failed_upgrade_leaves_the_old_current(two_engines: TwoEngines) -> None:
    home = two_engines.home
    script = home.root / "data" / "vconsole" / "engines" / two_engines.new / "bin" / "vllm"
    kept = script.read_bytes()
    script.write_text("#!/bin/sh\necho 'RuntimeError: Failed to infer device type'; exit 1\n")
    try:
        ran = home.run(*upgrade(two_engines), timeout_s=400)
    finally:
        script.write_bytes(kept)
    assert ran.code == 1
    assert "stays current" in ran.data["error"]["message"]
    assert names(home)[two_engines.old] == (True, False)
    assert "engine-trial" not in [s["name"] for s in home.status()["servers"]]


def test_flags_that_the_new_one_refuses_are_found_before_it_is_started(
    two_engines: TwoEngines,
) -> None:
    """Both know the same flags, so what the old one refuses too is no reason to stay."""
    home = two_engines.home
    profiles = home.root / "config" / "vconsole" / "profiles.toml"
    profiles.parent.mkdir(parents=True, exist_ok=True)
    profiles.write_text('[odd]\nmodel = "demo"\nflags = { no-such-flag = 1 }\n')
    ran = home.run(*upgrade(two_engines, "--no-trial"), timeout_s=400)
    profiles.unlink()
    assert ran.code == 0, ran.err
    assert [step["name"] for step in ran.data["steps"]] == [
        "install beside",
        "check flags",
        "make current",
    ]
    assert home.run("engine", "rollback").code == 0
    assert names(home)[two_engines.old][0]


def test_it_is_tried_before_it_takes_over_and_a_rollback_is_one_command(
    two_engines: TwoEngines,
) -> None:
    """The way of a whole upgrade; what a slower one is, the tests of the comparison say."""
    home = two_engines.home
    ran = home.run(*upgrade(two_engines, "--accept-slower"), timeout_s=600)
    assert ran.code == 0, ran.err
    new, version = two_engines.new, two_engines.new.removesuffix("-cpu")
    before = version if two_engines.old == "before" else OLD_VERSION
    assert [(step["name"], step["ok"]) for step in ran.data["steps"]] == [
        ("install beside", True),
        ("check flags", True),
        (f"try vLLM {version}", True),
        (f"time vLLM {before}", True),
        ("compare speed", True),
        ("make current", True),
    ]
    assert "smoke test passed: " in ran.err
    assert ran.data["tokens_per_s"] > 0
    assert ran.data["tokens_per_s_before"] > 0
    assert names(home) == {two_engines.old: (False, True), new: (True, False)}
    assert "engine-trial" not in [s["name"] for s in home.status()["servers"]]

    assert home.run("engine", "remove", new).code == 5
    assert home.run("engine", "rollback", "--json").data["left"] == new
    assert names(home) == {two_engines.old: (True, False), new: (False, True)}
    assert home.run("engine", "remove", new).code == 0
    assert list(names(home)) == [two_engines.old]
    assert home.run("engine", "rollback").code == 5
