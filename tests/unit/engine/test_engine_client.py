"""The client of one vLLM, against a stand-in: what it sends, and how it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.standin import HANG, Steps, reply, standin
from vconsole.engine.http.client import (
    LARGEST_BODY_BYTES,
    EngineClient,
    EngineGoneError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnreachableError,
)
from vconsole.engine.http.protocol import ModelCard


async def test_version_models_and_metrics_are_read() -> None:
    models = {"object": "list", "data": [{"id": "a", "max_model_len": 64, "root": "/m", "x": 1}]}
    script = {
        "/version": reply({"version": "0.32.0"}),
        "/v1/models": reply(models),
        "/metrics": reply(b"vllm:num_requests_running 1.0\n"),
    }
    async with standin(script) as peer, EngineClient(f"{peer.url}/v1/", "secret") as client:
        assert await client.version() == "0.32.0"
        assert await client.models() == (ModelCard("a", 64, "/m"),)
        assert await client.metrics() == b"vllm:num_requests_running 1.0\n"
        assert [path for path, _, _ in peer.requests] == ["/version", "/v1/models", "/metrics"]
        assert peer.requests[0][1]["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "healthy"),
    [(reply(b""), True), (reply(b"", 503), False), ([HANG], False), ([b"nonsense"], False)],
)
async def test_health_is_true_only_for_200_in_time(answer: Steps, healthy: bool) -> None:
    async with standin({"/health": answer}) as peer, EngineClient(peer.url) as client:
        assert await client.health(timeout_s=0.3) is healthy


async def test_a_server_on_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "vllm.sock")
    async with (
        standin({"/version": reply({"version": "1"})}, uds=path),
        EngineClient("http://localhost", uds=path) as client,
    ):
        assert await client.version() == "1"


async def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with standin({"/health": reply(b"")}) as peer, EngineClient(peer.url) as client:
        assert await client.health()


async def test_a_slow_server_is_a_timeout_also_while_it_drips() -> None:
    drops: list[bytes | float] = [b"x", 0.05]
    dripping: Steps = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *drops * 100]
    async with standin({"/metrics": dripping}) as peer, EngineClient(peer.url) as client:
        with pytest.raises(EngineTimeoutError, match=r"/metrics did not answer within 0\.3 s"):
            await client.metrics(timeout_s=0.3)


async def test_nobody_listening_is_unreachable() -> None:
    async with standin({}) as peer:
        pass
    async with EngineClient(peer.url) as client:
        with pytest.raises(EngineUnreachableError):
            await client.version()
        assert not await client.health()


async def test_a_refusal_keeps_status_and_reason() -> None:
    async with standin({}) as peer, EngineClient(peer.url) as client:
        with pytest.raises(EngineRefusedError) as caught:
            await client.models()
    assert (caught.value.status, caught.value.reason) == (404, "Not Found")


async def test_an_answer_without_end_is_cut_off() -> None:
    endless = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 2**20] * (LARGEST_BODY_BYTES // 2**20 + 2)]
    async with standin({"/metrics": endless}) as peer, EngineClient(peer.url) as client:
        with pytest.raises(EngineGoneError, match="has no end"):
            await client.metrics()


async def test_broken_off_answers_are_gone() -> None:
    short = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"]
    async with standin({"/metrics": short}) as peer, EngineClient(peer.url) as client:
        with pytest.raises(EngineGoneError, match="went away"):
            await client.metrics()
