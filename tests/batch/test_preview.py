"""What a preview finds before a batch runs: prompts that are too long, and what all will take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import spec_of
from tests.support.standin import Steps, reply, standin
from vconsole.requests.batch import lengths
from vconsole.requests.batch.preview import Preview, preview

CHAT = "/v1/chat/completions"
MODELS = reply({"data": [{"id": "stub", "max_model_len": 100}]})


def words_in(body: dict[str, Any]) -> int:
    text = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
    return len(text.split())


def tokenize(body: dict[str, Any]) -> Steps:
    """A token is a word."""
    return reply({"count": words_in(body), "tokens": [], "max_model_len": 100})


def answer(body: dict[str, Any]) -> Steps:
    choice = {"message": {"content": "yes"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": words_in(body), "completion_tokens": 3}
    return reply({"id": "x", "choices": [choice], "usage": usage})


async def previewed(source: Path, **more: Any) -> tuple[Preview, int]:
    """The preview, and how often the tokenizer was asked for it."""
    spec = spec_of(source, source.with_name("out.jsonl"), **more)
    async with standin({CHAT: answer, "/v1/models": MODELS, "/tokenize": tokenize}) as peer:
        found = await preview(spec, peer.url, None)
        asked = [body for path, _, body in peer.requests if path == "/tokenize"]
    return found, len([body for body in asked if words_in(body) > 1])


async def test_prompts_that_are_too_long_are_named_and_short_ones_not_even_asked(
    tmp_path: Path,
) -> None:
    lines = ["short one"] * 50
    lines[7], lines[30], lines[41] = "word " * 150, "word " * 101, "longer-word " * 80
    (tmp_path / "in.txt").write_text("\n".join(lines))
    found, asked = await previewed(tmp_path / "in.txt")
    assert [(bad.number, bad.code) for bad in found.too_long] == [(8, "too_long"), (31, "too_long")]
    assert "150 tokens" in found.too_long[0].message
    assert "takes 100" in found.too_long[0].message
    assert not found.too_long_more
    assert asked == 3


async def test_the_answers_room_counts(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("short\n" + "word " * 90 + "\n")
    assert (await previewed(tmp_path / "in.txt"))[0].too_long == ()
    found, _ = await previewed(tmp_path / "in.txt", max_tokens=11)
    assert [bad.number for bad in found.too_long] == [2]
    assert "11 are to follow" in found.too_long[0].message


async def test_where_all_are_too_long_some_are_asked_and_more_are_feared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lengths, "MOST_ASKED", 40)
    (tmp_path / "in.txt").write_text(("word " * 120 + "\n") * 60)
    found, asked = await previewed(tmp_path / "in.txt")
    assert len(found.too_long) == asked == 40
    assert found.too_long_more


async def test_a_server_without_a_tokenizer_is_previewed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("word " * 150 + "\n")
    async with standin({CHAT: answer, "/v1/models": MODELS}) as peer:
        spec = spec_of(tmp_path / "in.txt", tmp_path / "out.jsonl")
        found = await preview(spec, peer.url, None)
    assert found.too_long == ()
    assert found.answers[0].answer == "yes"


async def test_prompt_tokens_are_reckoned_by_the_size_of_all(tmp_path: Path) -> None:
    """The first twenty are short, and say nothing by their number of those behind them."""
    (tmp_path / "in.txt").write_text("one two\n" * 20 + "one two three four five six\n" * 80)
    found, _ = await previewed(tmp_path / "in.txt")
    assert found.expected_generation_tokens == 300
    assert found.expected_prompt_tokens is not None
    assert 200 < found.expected_prompt_tokens < 520
