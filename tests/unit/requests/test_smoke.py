"""The smoke test over a stand-in that behaves, and over ones that fail in one way each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.standin import DONE, HANG, Answer, Steps, event, reply, standin, stream, usage
from vconsole.requests.messages import SmokeCheck, SmokeReport
from vconsole.requests.smoke import run_smoke
from vconsole.requests.smoke_checks import CHECKS, SENTENCE

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
NO_TEMPLATE = {"error": {"message": "you must provide a chat template", "code": 400}}


class Pretender:
    """A script that passes every check, with counters that move; a test bends it."""

    def __init__(self, prefix_caching: bool = True) -> None:
        self.generated = 0
        self.hits = 0
        self.prompts: set[str] = set()
        self.prefix_caching = prefix_caching
        self.script: dict[str, Answer] = {
            "/health": reply(b""),
            "/version": reply({"version": "0.32.0"}),
            "/v1/models": reply({"data": [{"id": "m", "max_model_len": 2048}]}),
            "/tokenize": lambda body: reply({"tokens": list(body["prompt"].encode())}),
            "/detokenize": lambda body: reply({"prompt": bytes(body["tokens"]).decode()}),
            "/metrics": lambda _: reply(self.metrics()),
            CHAT: self.complete,
            COMPLETIONS: self.complete,
        }

    def metrics(self) -> bytes:
        return (
            f"vllm:generation_tokens_total {self.generated}.0\n"
            f"vllm:prefix_cache_hits_total {self.hits}.0\n"
            f'vllm:cache_config_info{{block_size="16",'
            f'enable_prefix_caching="{self.prefix_caching}"}} 1.0\n'
        ).encode()

    def complete(self, body: dict[str, Any]) -> Steps:
        wanted = body["max_tokens"]
        if wanted > 2048:
            return reply({"error": {"message": f"max_tokens={wanted} is too large"}}, 400)
        prompt = json.dumps(body.get("prompt", body.get("messages")))
        self.hits += 16 * (prompt in self.prompts) * self.prefix_caching
        self.prompts.add(prompt)
        self.generated += wanted
        if body.get("stream"):
            pieces = [event({"choices": [{"text": "a "}]})] * (wanted - 1)
            end = event({"choices": [{"text": "b", "finish_reason": "length"}]})
            return stream(*pieces, end, usage(4, wanted), DONE)
        text = '{"answer": "yes", "certain": true}' if "response_format" in body else "Good day."
        return whole(text, wanted)


def whole(text: str, tokens: int, reasoning: str = "") -> Steps:
    message = {"role": "assistant", "content": text, "reasoning": reasoning}
    choice = {"text": text, "message": message, "finish_reason": "length"}
    return reply({"choices": [choice], "usage": {"completion_tokens": tokens}})


async def smoked(pretender: Pretender, limit_s: float = 10.0) -> SmokeReport:
    async with standin(pretender.script) as peer:
        return await run_smoke(peer.url, "m", check_limit_s=limit_s)


def named(report: SmokeReport, name: str) -> SmokeCheck:
    return next(check for check in report.checks if check.name == name)


async def test_a_server_that_behaves_passes_and_each_check_is_heard() -> None:
    heard: list[SmokeCheck] = []
    async with standin(Pretender().script) as peer:
        report = await run_smoke(peer.url, "m", on_check=heard.append)
    assert [check.name for check in report.checks] == list(CHECKS)
    assert [check for check in report.checks if not check.passed] == []
    assert report.passed
    assert tuple(heard) == report.checks
    assert report.seconds * 1000 >= max(check.ms for check in report.checks)


async def test_after_a_dead_health_nothing_is_run_and_that_is_said() -> None:
    pretender = Pretender()
    pretender.script["/health"] = reply(b"", 503)
    report = await smoked(pretender)
    assert not report.passed
    assert [check.name for check in report.checks] == ["alive"]
    assert "the 12 checks after it were not run" in report.checks[0].detail


async def test_a_server_that_falls_silent_ends_the_test_in_time() -> None:
    pretender = Pretender()
    pretender.script[COMPLETIONS] = [HANG]
    report = await smoked(pretender, limit_s=0.3)
    assert report.checks[-1].name == "completion"
    assert "no result within 0.3 s; the 8 checks after it" in report.checks[-1].detail
    assert report.seconds < 2


async def test_another_model_than_the_wanted_one_is_named() -> None:
    pretender = Pretender()
    pretender.script["/v1/models"] = reply({"data": [{"id": "other"}]})
    report = await smoked(pretender)
    assert report.checks[-1].detail.startswith("m is not served; other is")
    assert len(report.checks) == 3


async def test_a_model_without_template_passes_with_completions() -> None:
    pretender = Pretender()
    pretender.script[CHAT] = reply(NO_TEMPLATE, 400)
    report = await smoked(pretender)
    assert report.passed
    assert "no chat template" in named(report, "chat").detail


async def test_a_reasoning_model_that_only_thinks_is_named() -> None:
    pretender = Pretender()

    def think(body: dict[str, Any]) -> Steps:
        pretender.generated += 0 if body.get("stream") else body["max_tokens"]
        plain = body.get("stream") or "response_format" in body
        return pretender.complete(body) if plain else whole("", body["max_tokens"], "hm " * 50)

    pretender.script[CHAT] = think
    report = await smoked(pretender)
    assert report.passed
    assert "spent all 1024 tokens on thinking" in named(report, "answer").detail


async def test_prefix_caching_that_is_off_is_stated() -> None:
    report = await smoked(Pretender(prefix_caching=False))
    assert report.passed
    assert named(report, "prefix_cache").detail.startswith("off")


def empty(body: dict[str, Any]) -> Steps:
    return whole(" \n", body["max_tokens"])


def one_chunk_too_few_tokens(body: dict[str, Any]) -> Steps:
    if not body.get("stream"):
        return whole("Good day.", body["max_tokens"])
    end = event({"choices": [{"text": "b", "finish_reason": "length"}]})
    return stream(end, usage(4, body["max_tokens"] - 1), DONE)


def bad_json(body: dict[str, Any]) -> Steps:
    text = '{"answer": "maybe", "certain": true}' if "response_format" in body else "Good day."
    return whole(text, body["max_tokens"])


def cut_off(body: dict[str, Any]) -> Steps:
    if body.get("stream"):
        end = event({"choices": [{"text": "b", "finish_reason": "abort"}]})
        return stream(end, usage(4, body["max_tokens"]), DONE)
    choice = {"text": "Good", "message": {"content": "Good"}, "finish_reason": "abort"}
    return reply({"choices": [choice], "usage": {"completion_tokens": 1}})


@pytest.mark.parametrize(
    ("path", "answer", "check", "words"),
    [
        ("/version", reply(b"<html>"), "version", "does not speak as vLLM does"),
        ("/detokenize", reply({"prompt": "else"}), "tokenizer", f"“{SENTENCE}” came back"),
        (COMPLETIONS, whole("", 0), "completion", "without a single token"),
        (COMPLETIONS, cut_off, "completion", "cut the answer off before its end"),
        (CHAT, cut_off, "chat", "finish reason abort"),
        (CHAT, cut_off, "stream", "cut the answer off before its end"),
        (COMPLETIONS, cut_off, "parallel", "0 of 16 answered; the server cut"),
        (CHAT, empty, "answer", "the answer is empty"),
        (CHAT, one_chunk_too_few_tokens, "stream", "asked for 16 tokens: 15 in 1 chunks"),
        (COMPLETIONS, reply({"error": "no"}, 500), "parallel", "0 of 16 answered"),
        (CHAT, bad_json, "json_schema", 'not what the schema asks for: “{"answer": "maybe"'),
        (COMPLETIONS, empty, "prefix_cache", "none of them found in the cache"),
        (COMPLETIONS, empty, "refusal", "a request for 20,480 tokens was accepted"),
        (COMPLETIONS, empty, "metrics", "but the server counts"),
    ],
)
async def test_each_lie_fails_its_own_check(
    path: str, answer: Answer, check: str, words: str
) -> None:
    pretender = Pretender()
    pretender.script[path] = answer
    report = await smoked(pretender)
    assert not report.passed
    assert not named(report, check).passed
    assert words in named(report, check).detail
