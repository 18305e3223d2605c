"""Benches on two real vLLM servers: measured, set side by side, their own view beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Served
from tests.support.home import Home, free_port, wait_until
from tests.support.terminal import Terminal
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import Profile

pytestmark = pytest.mark.engine

# Longer than two blocks of the CPU's prefix cache (128 tokens): only whole ones are found in it.
SHORT = ("--input-tokens", "300", "--output-tokens", "12", "--requests", "6", "--repeats", "2")
CHAT = {"method": "POST", "url": "/v1/chat/completions"}
# Nothing else can come out, so that the schema's score is known.
SCHEMA = {"enum": ["Rome"]}


@pytest.fixture(scope="module")
def pair(served: Served) -> Iterator[Home]:
    """Beside the shared lark `night` serves the owl, one sequence at a time (profile `one`)."""
    home, port = served.home, free_port()
    path = home.root / "config" / "vconsole" / "profiles.toml"
    for name, most in (("one", 1), ("many", 64)):
        save_profile(name, Profile("demo-owl", port=port, flags={"max-num-seqs": most}), path)
    begun = home.run("start", "one", "--name", "night", timeout_s=300)
    assert begun.code == 0, begun.err
    yield home
    assert home.run("stop", "--name", "night").code == 0
    for name in ("one", "many"):
        assert home.run("profile", "rm", name).code == 0


def url_of(home: Home, name: str) -> str:
    return str(home.status(name)["server"]["url"])


def test_another_server_beside_ours_cold_and_warm_one_by_one_and_together(pair: Home) -> None:
    against = f"{url_of(pair, 'night')}=owl"
    ran = pair.run("bench", "--concurrency", "1,3", *SHORT, "--warm", "--against", against,
                   "--json", timeout_s=300)  # fmt: skip
    assert ran.code == 0, ran.err
    runs = ran.data["runs"]
    assert len(runs) == 2 * 2 * 2 * 2
    assert {(run["target"], run["concurrency"], run["warmth"]) for run in runs} == {
        (who, at, warmth) for who in ("main", "owl") for at in (1, 3) for warmth in ("cold", "warm")
    }
    for run in runs:
        assert (run["failed"], run["generation_tokens"]) == (0, 6 * 12)
        assert run["prompt_tokens"] == pytest.approx(6 * 300, rel=0.1)
        assert 0 < run["ttft_ms"]["p50"] <= run["e2e_ms"]["p50"]
        the_servers_own_view_is_of_the_same_requests(run)
    # Only the very same prompts are found in the cache of prefixes.
    for warmth, least, most in (("cold", 0.0, 0.1), ("warm", 0.5, 1.0)):
        hits = [run["server"]["prefix_cache_hit_rate"] for run in runs if run["warmth"] == warmth]
        assert all(least <= hit <= most for hit in hits), (warmth, hits)
    assert [target["version"] for target in ran.data["targets"]] == ["0.32.0", "0.32.0"]
    assert "--max-num-seqs" in ran.data["targets"][0]["flags"]
    assert ran.data["targets"][1]["name"] == "owl"
    verdicts = {f["verdict"] for one in ran.data["overall"] for f in one["figures"]}
    assert verdicts <= {"higher", "lower", "no difference beyond the noise"}


def the_servers_own_view_is_of_the_same_requests(run: dict[str, Any]) -> None:
    view = run["server"]
    assert view["requests"] == run["requests"]
    assert view["generation_tokens"] == run["generation_tokens"]
    assert view["prompt_tokens"] == run["prompt_tokens"]
    # A client sees what the server sees and its own way there and back.
    assert view["e2e_ms"]["mean"] <= run["e2e_ms"]["mean"] * 1.05 + 1


def test_answers_are_scored_and_a_file_keeps_its_own_requests(pair: Home, tmp_path: Path) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    file = tmp_path / "asked.jsonl"
    with file.open("w") as out:
        for key, said, more, beside in (
            ("who", "Who are you?", {}, {"reference": "I am Lark."}),
            ("json", "Capital of Italy?", {"response_format": form}, {}),
        ):
            body = {"messages": [{"role": "user", "content": said}], "max_tokens": 24, **more}
            out.write(json.dumps({"custom_id": key, **CHAT, "body": body, **beside}) + "\n")
    against = f"{url_of(pair, 'night')}=owl"
    ran = pair.run("bench", "--prompts", str(file), "--concurrency", "2", "--requests", "4",
                   "--repeats", "1", "--answers", "2", "--against", against, "--json",
                   timeout_s=300)  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.data["origin"].startswith("2 requests of ")
    answered = {one["key"]: {a["contender"]: a for a in one["answers"]}
                for one in ran.data["answers"]}  # fmt: skip
    assert [answered["json"][who]["score"] for who in ("main", "owl")] == [1.0, 1.0], answered
    assert "Lark" in answered["who"]["main"]["text"]
    assert "Owl" in answered["who"]["owl"]["text"]
    lark, owl = (answered["who"][who]["score"] for who in ("main", "owl"))
    assert lark > owl


def test_arrivals_by_chance_with_lengths_as_the_server_was_asked(pair: Home) -> None:
    ran = pair.run("bench", "--name", "night", "--history", "--rate", "8", "--requests", "12",
                   "--repeats", "1", "--json", timeout_s=300)  # fmt: skip
    assert ran.code == 0, ran.err
    (run,) = ran.data["runs"]
    assert (run["rate_per_s"], run["concurrency"], run["failed"]) == (8.0, None, 0)
    assert "as this server was asked" in ran.data["origin"]
    # What it was asked before: prompts of up to 300 tokens, answers of up to 24.
    assert 1 < run["prompt_tokens"] / 12 < 500
    assert 1 < run["generation_tokens"] / 12 < 100


@pytest.mark.long
def test_a_planted_bad_profile_is_told_by_swapping_between_them(pair: Home) -> None:
    load = ("--concurrency", "8", "--requests", "24", "--input-tokens", "16")
    ran = pair.run("bench", "--name", "night", "--profiles", "one,many", *load, "--repeats", "2",
                   "--output-tokens", "32", "--json", timeout_s=600)  # fmt: skip
    assert ran.code == 0, ran.err
    order = [(run["target"], run["repeat"]) for run in ran.data["runs"]]
    assert order == [("one", 0), ("many", 0), ("many", 1), ("one", 1)]
    flags = {target["profile"]: target["flags"] for target in ran.data["targets"]}
    assert [flags[name][-1] for name in ("one", "many")] == ["1", "64"]
    (compared,) = ran.data["differences"]
    rate = next(f for f in compared["figures"] if f["figure"] == "generation_tokens_per_s")
    assert rate["ratio"] > 1.3
    server = pair.status("night")["server"]
    assert (server["state"], server["profile"]) == ("ready", "one")


@pytest.mark.terminal
def test_in_the_console_it_is_asked_for_seen_to_run_and_kept(served: Served) -> None:
    home = served.home
    terminal = Terminal(home, 80, 24)
    try:
        terminal.wait_for("READY")
        terminal.press("5")
        terminal.wait_for("Benches")
        terminal.press("b")
        terminal.wait_for("New bench of main")
        terminal.type("2")
        terminal.press("Down", "Down")
        terminal.type("8")
        terminal.press("Enter")
        terminal.wait_for("The same as: vconsole bench")
        terminal.press("Enter")
        terminal.wait_for("Tokens per second over E2E p50")
        wait_until("it is done", lambda: newest(home)["state"] == "done", 120)
        terminal.wait_for(f"{newest(home)['id']}  random words, 128 in, 64 out")
        terminal.wait_for("✓ done")
        assert (newest(home)["loads"], newest(home)["measured"]) == ("2", 3)
    finally:
        terminal.close()


def newest(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = home.run("bench", "list", "--json").data["benches"][0]
    return found
