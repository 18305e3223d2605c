"""A stand-in for the Hugging Face Hub: the routes that huggingface_hub's real client asks.

Repositories are made of bytes; one may be gated, slow, or break its connection in mid-file. It is
named as what it is by HF_ENDPOINT alone: the client does not know the difference.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

COMMIT = "a" * 40
TOKEN = "hf_of_the_stand_in"
CHUNK = 1 << 20
BIG = 4096


@dataclass
class Repository:
    """`drops` is after how many bytes each of the next answers breaks off.

    While it is `held`, no more of a big file is sent.
    """

    files: dict[str, bytes]
    gated: bool = False
    license: str = "apache-2.0"
    tags: tuple[str, ...] = ()
    claimed_bytes: int | None = None
    drops: list[int] = field(default_factory=list)
    pause_s: float = 0.0
    held: bool = False


@dataclass
class HubStandIn:
    repositories: dict[str, Repository] = field(default_factory=dict)
    url: str = ""
    ranges: list[tuple[str, str | None]] = field(default_factory=list)
    sent_bytes: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        owner = "/{owner}/{name}"
        app.router.add_get("/api/models", self._search)
        app.router.add_get(f"/api/models{owner}", self._info)
        app.router.add_get(f"/api/models{owner}/revision/{{revision}}", self._info)
        app.router.add_get(f"/api/models{owner}/tree/{{revision}}", self._tree)
        app.router.add_get(f"/api/models{owner}/auth-check", self._auth_check)
        app.router.add_get(f"{owner}/resolve/{{revision}}/{{file}}", self._resolve)
        return app

    def _found(self, request: web.Request) -> tuple[str, Repository]:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name not in self.repositories:
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            raise web.HTTPUnauthorized(headers=headers)
        return name, self.repositories[name]

    def _let_in(self, request: web.Request, repository: Repository) -> None:
        if repository.gated and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            headers = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}
            raise web.HTTPForbidden(headers=headers)

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query.get("search", "").lower()
        found = [self._data(n, r) for n, r in self.repositories.items() if words in n.lower()]
        return web.json_response(found)

    async def _info(self, request: web.Request) -> web.Response:
        return web.json_response(self._data(*self._found(request)))

    def _data(self, name: str, repository: Repository) -> dict[str, Any]:
        siblings = [self._entry(f, c, repository) for f, c in repository.files.items()]
        return {
            "id": name,
            "modelId": name,
            "sha": COMMIT,
            "private": False,
            "gated": "manual" if repository.gated else False,
            "downloads": 7,
            "likes": 3,
            "tags": [f"license:{repository.license}", *repository.tags],
            "cardData": {"license": repository.license},
            "safetensors": {"parameters": {"BF16": 1000}, "total": 1000},
            "siblings": [
                {"rfilename": e.pop("path"), "blobId": e.pop("oid"), **e} for e in siblings
            ],
        }

    def _entry(self, name: str, content: bytes, repository: Repository) -> dict[str, Any]:
        big = len(content) > BIG
        size = repository.claimed_bytes if big and repository.claimed_bytes else len(content)
        entry: dict[str, Any] = {
            "type": "file",
            "path": name,
            "size": size,
            "oid": hashlib.sha1(content).hexdigest(),
        }
        if big:
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": sha256, "sha256": sha256, "size": size, "pointerSize": 134}
        return entry

    async def _tree(self, request: web.Request) -> web.Response:
        _, repository = self._found(request)
        self._let_in(request, repository)
        entries = [self._entry(f, c, repository) for f, c in repository.files.items()]
        return web.json_response(entries)

    async def _auth_check(self, request: web.Request) -> web.Response:
        _, repository = self._found(request)
        self._let_in(request, repository)
        return web.json_response({})

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        _, repository = self._found(request)
        self._let_in(request, repository)
        name = request.match_info["file"]
        if name not in repository.files:
            raise web.HTTPNotFound(headers={"X-Error-Code": "EntryNotFound"})
        return await self._send(request, name, repository)

    async def _send(
        self, request: web.Request, name: str, repository: Repository
    ) -> web.StreamResponse:
        content = repository.files[name]
        big = len(content) > BIG
        etag = (hashlib.sha256 if big else hashlib.sha1)(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = request.headers.get("Range")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        rest = content[start:]
        headers["Content-Length"] = str(len(rest))
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        response = web.StreamResponse(status=206 if asked else 200, headers=headers)
        await response.prepare(request)
        if request.method == "GET":
            self.ranges.append((name, asked))
            await self._stream(request, response, rest, repository, big)
        return response

    async def _stream(
        self,
        request: web.Request,
        response: web.StreamResponse,
        content: bytes,
        repository: Repository,
        big: bool,
    ) -> None:
        until = repository.drops.pop(0) if big and repository.drops else None
        for begin in range(0, len(content), CHUNK):
            if big:
                await _until_let_go(repository)
            piece = content[begin : begin + CHUNK]
            if until is not None and begin + len(piece) > until:
                await response.write(piece[: until - begin])
                assert request.transport is not None
                request.transport.close()
                return
            await response.write(piece)
            self.sent_bytes += len(piece)
            if big and repository.pause_s:
                await asyncio.sleep(repository.pause_s)


async def _until_let_go(repository: Repository) -> None:
    while True:
        if not repository.held:
            return
        await asyncio.sleep(0.02)


@contextmanager
def hub_stand_in(**repositories: Repository) -> Iterator[HubStandIn]:
    """Serve on a free port until the block ends; names are OWNER__NAME."""
    hub = HubStandIn({name.replace("__", "/"): r for name, r in repositories.items()})
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(hub.app(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.SockSite(runner, listening)
        await site.start()
        started.set()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        hub.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert started.wait(10)
        try:
            yield hub
        finally:
            stop.set()
            thread.join()


def model_files(weights_bytes: int = 300_000, **config: Any) -> dict[str, bytes]:
    """The files of a small model; its weights are noise with a header that can be read."""
    header = json.dumps({"__metadata__": {}}).encode()
    noise = hashlib.shake_256(str(weights_bytes).encode()).digest(weights_bytes)
    weights = len(header).to_bytes(8, "little") + header + noise
    told = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **config}
    return {
        "config.json": json.dumps(told).encode(),
        "tokenizer.json": b"{}",
        "README.md": b"# a model",
        "pytorch_model.bin": b"x" * 5000,
        "model.safetensors": weights,
    }
