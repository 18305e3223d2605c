"""The tuner on a real server: a planted bad setting is found, whatever ends the search between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.home import Home, Ran, free_port, wait_until

pytestmark = pytest.mark.engine

# One sequence at a time where sixteen come: slower by a factor that no noise has.
PLANTED = ("--max-num-seqs", "1")
SEARCH = ("--only", "seqs", "--most", "2", "--concurrency", "16", "--requests", "24")
LENGTHS = ("--input-tokens", "16", "--output-tokens", "96", "--repeats", "3")
LIMIT_S = 900


def tune(home: Home, *arguments: str) -> Ran:
    return home.run("tune", *arguments, "--json", timeout_s=LIMIT_S)


def serving(home: Home) -> dict[str, Any]:
    server = home.status()["server"]
    assert server["state"] == "ready"
    assert isinstance(server, dict)
    return server


def trials_in(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


@pytest.mark.long
def test_a_planted_bad_setting_is_found_and_the_old_profile_is_a_command_away(home: Home) -> None:
    started = home.run("start", "demo", "--port", str(free_port()), "--", *PLANTED, timeout_s=600)
    assert started.code == 0, started.err
    journal = home.state / "tuning" / "main.jsonl"

    killed = home.popen("tune", *SEARCH, *LENGTHS, "--yes")
    try:
        wait_until("the first trial is kept", lambda: trials_in(journal) > 0, 300)
        refused = home.run("tune", *SEARCH, *LENGTHS)
        assert (refused.code, "in hand" in refused.err) == (5, True)
    finally:
        killed.kill()
        killed.communicate()

    ran = tune(home, *SEARCH, *LENGTHS, "--yes")
    assert ran.code == 0, ran.err
    assert "going on after 1 trial of an earlier search" in ran.err
    found = ran.data
    assert [trial["standing"] for trial in found["trials"]] == ["as it was", "better"]
    assert found["decision"] == "written"
    assert PLANTED[0] not in found["chosen"]["flags"]
    assert found["gain"]["low"] > 1
    assert found["trials"][1]["on_front"]

    server = serving(home)
    assert server["profile"] == found["profile"]
    assert PLANTED[0] not in server["flags"]
    written = home.run("profile", "show", found["profile"], "--json").out
    assert "max-num-seqs" not in written

    undone = tune(home, "--undo")
    assert undone.code == 0, undone.err
    flags = serving(home)["flags"]
    assert flags[flags.index(PLANTED[0]) + 1] == PLANTED[1]
    assert tune(home, "--undo").code == 5
