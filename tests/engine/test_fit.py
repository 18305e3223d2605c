"""Predicted and measured on a real vLLM: on the CPU build the KV cache is known to the token."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import Served
from tests.support.home import Home, free_port, wait_until

pytestmark = pytest.mark.engine
PRINTED = re.compile(r"KV cache size: ([\d,]+) tokens, Maximum concurrency for ([\d,]+) tokens")


def printed(home: Home) -> tuple[int, int]:
    """Tokens and the length of a request, as the server's log says them."""
    log = (home.state / "servers" / "main" / "server.log").read_text()
    found = PRINTED.findall(log)[-1]
    return int(found[0].replace(",", "")), int(found[1].replace(",", ""))


def test_the_tokens_of_a_real_start_are_predicted_exactly(served: Served) -> None:
    tokens, length = printed(served.home)
    fit = served.home.run("fit", "demo-lark", "--json").data
    assert fit["verdict"] in {"fits", "tight"}
    assert fit["kv_cache_tokens"] == fit["kv_cache_tokens_low"] == tokens
    assert fit["max_model_len"] == length
    assert served.start.data["plan"]["kv_cache_tokens"]["value"] == tokens
    measured = served.start.data["measured"]
    assert measured["kv_cache_tokens"] == measured["predicted_kv_cache_tokens"] == tokens
    assert f"measured {tokens:,} KV tokens, exactly as predicted" in served.start.err


def test_a_real_start_enters_the_ledger_and_tells_how_far_off_its_plan_was(served: Served) -> None:
    ledger = served.home.state / "ledger.jsonl"
    wait_until("the row", ledger.exists, 10)
    row = json.loads(ledger.read_text().splitlines()[0])
    assert row["kv_cache_tokens"] == row["predicted_kv_cache_tokens"] == printed(served.home)[0]
    assert row["card"] == "CPU"
    assert "demo-lark" in row["identity"]
    assert dict(row["phases_s"])["weights"] > 0
    events = served.home.run("events", "--kind", "measured", "--json").out
    assert "exactly as predicted" in events
    told = served.home.run("fit", "--ledger")
    assert "+0.0 %" in told.out


def test_another_model_length_and_size_of_the_cache_are_predicted_exactly_too(home: Home) -> None:
    """vLLM heeds the size among the flags only where no variable overrules it."""
    del home.env["VLLM_CPU_KVCACHE_SPACE"]
    profiles = home.root / "config" / "vconsole" / "profiles.toml"
    profiles.parent.mkdir(parents=True, exist_ok=True)
    profiles.write_text(
        '[sized]\nmodel = "demo-owl"\n'
        "flags = {max-model-len = 777, kv-cache-memory-bytes = 100_000_000}\n"
    )
    fit = home.run("fit", "sized", "--json").data
    start = home.run("start", "sized", "--json", "--port", str(free_port()))
    assert start.code == 0, start.err
    assert (fit["kv_cache_tokens"], fit["max_model_len"]) == printed(home)
    assert fit["kv_cache_bytes"] == 100_000_000
