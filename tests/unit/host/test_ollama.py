"""Ollama through its API: what our side says and reads, with its official client as the judge."""

from __future__ import annotations

import httpx
import ollama as official
import pytest
from ollama._client import _parse_host

from tests.support.home import free_port
from tests.support.ollama_stand_in import ollama_stand_in
from vconsole.errors import VConsoleError
from vconsole.host.ollama import api as ollama

GB = 10**9


def test_the_stand_in_is_what_the_official_client_expects() -> None:
    with ollama_stand_in(llama3_8b=9 * GB) as peer, httpx.Client(trust_env=False) as http:
        client = official.Client(host=peer.url, trust_env=False)
        (running,) = client.ps().models
        assert (running.name, running.size_vram) == ("llama3:8b", 9 * GB)
        assert [model.model for model in client.list().models] == ["llama3:8b"]
        assert client.show("llama3:8b").modelinfo
        assert http.get(f"{peer.url}/").text == "Ollama is running"
        assert http.get(f"{peer.url}/api/version").json()["version"]
        assert client.generate("llama3:8b", keep_alive=60).done_reason == "load"
        assert client.generate("llama3:8b", keep_alive=0).done_reason == "unload"
        assert client.ps().models == []
        with pytest.raises(official.ResponseError, match="not found"):
            client.generate("mistral", keep_alive=0)


def test_unloading_asks_the_same_as_the_official_client() -> None:
    with ollama_stand_in(llama3_8b=9 * GB) as peer:
        (held,) = ollama.loaded_models(peer.url) or ()
        assert (held.name, held.size_vram, held.size) == ("llama3:8b", 9 * GB, 9 * GB)
        ollama.unload("llama3:8b", peer.url)
        assert ollama.loaded_models(peer.url) == ()
        ours = next(body for path, body in peer.asked if path == "/api/generate")
    with ollama_stand_in(llama3_8b=9 * GB) as peer:
        official.Client(host=peer.url, trust_env=False).generate("llama3:8b", keep_alive=0)
        theirs = next(body for path, body in peer.asked if path == "/api/generate")
    assert ours.items() <= theirs.items()


def test_an_ollama_that_refuses_or_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with ollama_stand_in(llama3_8b=9 * GB) as peer:
        peer.refuses = True
        with pytest.raises(VConsoleError, match="did not unload llama3:8b"):
            ollama.unload("llama3:8b", peer.url)
    assert ollama.loaded_models(f"http://127.0.0.1:{free_port()}") is None
    for host in ("http://[::1", "a b", "http://x:99999"):
        monkeypatch.setenv("OLLAMA_HOST", host)
        assert ollama.loaded_models() is None


@pytest.mark.parametrize(
    "host",
    [
        *("", ":56789", "1.2.3.4", "1.2.3.4:56789", "http://1.2.3.4", "https://1.2.3.4"),
        *("https://1.2.3.4:56789", "example.com/", "example.com:56789/path/", "[1:2::1]:567"),
        *("[1:2::1]", "http://[1:2::1]", "https://example.com:56789/path"),
    ],
)
def test_its_address_is_read_as_its_own_client_does(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert ollama.ollama_url() == _parse_host(host)


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:11434"), ("[::]:8080", "http://[::1]:8080")],
)
def test_an_address_to_bind_to_is_no_address_to_ask(
    host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert ollama.ollama_url() == url
