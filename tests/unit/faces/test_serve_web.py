"""The console in a browser: who may reach it, and that what they reach is the console."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.support.home import free_port, wait_until
from vconsole.cli import serve_web
from vconsole.cli.app import run
from vconsole.errors import ExitCode, VConsoleError

Served = tuple[str, str]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Address with the key, and the same without; in folders where nothing runs."""
    port = free_port()
    folders = {f"XDG_{kind}_HOME": str(tmp_path) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    process = subprocess.Popen(
        [sys.executable, "-m", "vconsole.cli", "serve-web", "--port", str(port)],
        env={**os.environ, **folders, "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    wait_until("it listens", lambda: _listens(port))
    yield said.split()[-1], f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors
    subprocess.run(
        [sys.executable, "-m", "vconsole.cli", "supervisor", "stop"],
        env={**os.environ, **folders},
        capture_output=True,
        check=False,
    )


def test_a_page_needs_the_key_of_this_run(served: Served) -> None:
    address, plain = served
    assert httpx.get(plain).status_code == 403
    assert httpx.get(f"{plain}/?key=wrong").status_code == 403
    assert httpx.get(f"{plain}/ws").status_code == 403
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(address)
        assert page.status_code == 200
        assert "key=" not in str(page.url)
        assert "vconsole" in page.text
        assert "HttpOnly" in page.history[0].headers["set-cookie"]


async def test_the_websocket_shows_the_console_and_takes_its_keys(served: Served) -> None:
    address, plain = served
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        await browser.get(address)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await browser.ws_connect(f"{plain}/ws", headers={"Origin": "http://127.0.0.1:1"})
        async with browser.ws_connect(f"{plain}/ws?width=80&height=24", origin=plain) as socket:
            await _until(socket, b"q leave")
            await socket.send_json(["stdin", "?"])
            await _until(socket, b"closes")


async def _until(socket: aiohttp.ClientWebSocketResponse, words: bytes) -> None:
    said = b""
    async with asyncio.timeout(30):
        while not all(word in said for word in words.split()):
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                said += message.data
            assert message.type is not aiohttp.WSMsgType.CLOSED, said


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "gpu-box", "::"])
def test_a_wider_host_is_refused_without_being_told(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve-web", "--host", host]) == ExitCode.REFUSED
    assert "--beyond-loopback" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(VConsoleError) as raised:
        serve_web.serve_web.main([], standalone_mode=False)
    assert "vconsole[web]" in (raised.value.remedy or "")


def test_a_taken_port_is_an_error_in_words(served: Served) -> None:
    port = served[1].rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "vconsole.cli", "serve-web", "--port", port],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == ExitCode.FAILED
    assert "cannot listen on 127.0.0.1" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
