"""One running vLLM by its URL: asynchronous calls with short limits and plain errors.

Everything raises a `VConsoleError`: nobody listens (`EngineUnreachableError`), no answer in time
(`EngineTimeoutError`), refused with vLLM's own reason (`EngineRefusedError`), or the connection
broke or brought nonsense (`EngineGoneError`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from vconsole.engine.http.protocol import ModelCard, ModelList, Version, refusal_reason
from vconsole.engine.metrics.kept_connection import (
    BrokenAnswerError,
    CannotConnectError,
    EndlessAnswerError,
    KeptConnection,
)
from vconsole.errors import ExitCode, VConsoleError

T = TypeVar("T")

CONNECT_TIMEOUT_S = 3.0
CALL_TIMEOUT_S = 5.0
HEALTH_TIMEOUT_S = 2.0
# uvicorn drops an idle connection after 5 s; leaving first avoids writing into a closed one.
KEEPALIVE_S = 3.0
LARGEST_BODY_BYTES = 32 * 1024 * 1024
LARGEST_EVENT_BYTES = 4 * 1024 * 1024
_DATA = b"data:"
_END = b"[DONE]"

KINDS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    429: "overloaded",
    503: "overloaded",
}
REMEDIES = {
    "unauthorized": "give the API key that the server was started with",
    "overloaded": "the server is busy or shutting down; try again in a moment",
    "server_error": "look at the server's log: vconsole logs",
}


class EngineUnreachableError(VConsoleError):
    """Nobody listens at the URL."""


class EngineTimeoutError(VConsoleError):
    """The server did not answer in time."""


class EngineGoneError(VConsoleError):
    """The connection broke during an answer, or the answer was not vLLM's."""


class EngineRefusedError(VConsoleError):
    """The server answered with an HTTP error; `status` is it, `reason` the server's own words."""

    def __init__(self, status: int, reason: str) -> None:
        kind = KINDS.get(status, "server_error" if status >= 500 else "bad_request")
        super().__init__(f"the server refused: {reason}", REMEDIES.get(kind), kind=kind)
        self.status = status
        self.reason = reason


class EngineClient:
    """Calls to one vLLM over one pool of connections; close it with `aclose` or `async with`.

    `url` is the server's root (a trailing `/v1` is dropped), `uds` the socket path of a server that
    listens on one. Proxy variables are ignored. Limits are seconds of the whole call.
    """

    def __init__(self, url: str, api_key: str | None = None, uds: str | None = None) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        if not self.url.startswith(("http://", "https://")):
            raise _not_a_url(url, "it must begin with http:// or https://")
        headers = {"Accept-Encoding": "identity"}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {_header_safe(api_key)}"
        self._scraping = KeptConnection(self.url, headers, uds, KEEPALIVE_S, LARGEST_BODY_BYTES)
        limits = httpx.Limits(keepalive_expiry=KEEPALIVE_S)
        # Loading the certificates costs 20 ms, and plain HTTP needs none.
        verify = not self.url.startswith("http:")
        try:
            self._http = httpx.AsyncClient(
                base_url=self.url,
                headers=headers,
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
                transport=httpx.AsyncHTTPTransport(
                    verify=verify, limits=limits, uds=uds, trust_env=False
                ),
            )
        except httpx.InvalidURL as error:
            raise _not_a_url(url, str(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._scraping.close()
        await self._http.aclose()

    async def health(self, timeout_s: float = HEALTH_TIMEOUT_S) -> bool:
        """Whether `/health` says 200 in time; any failure is False.

        True does not mean that the engine moves: vLLM answers so over a stopped EngineCore.
        """
        try:
            await self.check_health(timeout_s)
        except VConsoleError:
            return False
        return True

    async def check_health(self, timeout_s: float = HEALTH_TIMEOUT_S) -> None:
        """As `health`, but says what is wrong by raising it."""
        await self._call("GET", "/health", timeout_s=timeout_s)

    async def version(self) -> str:
        return self._decode(await self._call("GET", "/version"), Version).version

    async def models(self) -> tuple[ModelCard, ...]:
        return self._decode(await self._call("GET", "/v1/models"), ModelList).data

    async def metrics(self, timeout_s: float = CALL_TIMEOUT_S) -> bytes:
        """The text of `/metrics`, for `vconsole.engine.metrics.exposition.parse`."""
        if not self.url.startswith("http:"):
            return await self._call("GET", "/metrics", timeout_s=timeout_s)
        with self._plain_errors(f"/metrics did not answer within {timeout_s:g} s"):
            async with asyncio.timeout(timeout_s):
                answer = await self._scraping.get("/metrics")
        if answer.status != httpx.codes.OK:
            raise EngineRefusedError(answer.status, refusal_reason(answer.status, answer.body))
        return answer.body

    async def get(self, path: str, wanted: type[T], timeout_s: float = CALL_TIMEOUT_S) -> T:
        return self._decode(await self._call("GET", path, timeout_s=timeout_s), wanted)

    async def post(
        self, path: str, body: dict[str, Any], wanted: type[T], timeout_s: float = CALL_TIMEOUT_S
    ) -> T:
        """Send JSON, get JSON; cancelling the call closes the connection, which aborts in vLLM."""
        return self._decode(await self._call("POST", path, body, timeout_s), wanted)

    async def tell(self, path: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        """Have something done; what a 200 says beside that differs between versions of vLLM."""
        await self._call("POST", path, {}, timeout_s)

    async def stream(
        self, path: str, body: dict[str, Any], wanted: type[T], silence_s: float
    ) -> AsyncGenerator[T]:
        """The server-sent events of one request, until its `[DONE]`.

        `silence_s` bounds the wait for each piece. Closing the iterator aborts the request in vLLM.
        """
        timeout = httpx.Timeout(silence_s, connect=CONNECT_TIMEOUT_S)
        with self._plain_errors(f"no answer for {silence_s:g} s"):
            async with self._response("POST", path, body, timeout) as response:
                async for data in _events(response):
                    if data == _END:
                        return
                    yield self._decode(data, wanted)
        raise EngineGoneError("the server ended the answer before it was complete", kind="gone")

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> bytes:
        with self._plain_errors(f"{path} did not answer within {timeout_s:g} s"):
            async with asyncio.timeout(timeout_s), self._response(method, path, body) as response:
                return await _read(response)

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        timeout: httpx.Timeout | None = None,
    ) -> AsyncIterator[httpx.Response]:
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = self._http.build_request(method, path, content=content, headers=headers)
        if timeout is not None:
            request.extensions["timeout"] = timeout.as_dict()
        response = await self._http.send(request, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                reason = refusal_reason(response.status_code, await _read(response))
                raise EngineRefusedError(response.status_code, reason)
            yield response
        finally:
            await response.aclose()

    @contextmanager
    def _plain_errors(self, too_late: str) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, CannotConnectError) as error:
            raise EngineUnreachableError(
                f"no server answers at {self.url} ({error or type(error).__name__})",
                "start one with: vconsole start",
                ExitCode.NO_SERVER,
                kind="unreachable",
            ) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise EngineTimeoutError(
                f"the server at {self.url} is silent: {too_late}",
                "see what it does: vconsole status, vconsole logs",
                ExitCode.TIMED_OUT,
            ) from error
        except EndlessAnswerError as error:
            raise EngineGoneError("the server's answer has no end", kind="not_vllm") from error
        except (httpx.HTTPError, BrokenAnswerError) as error:
            raise EngineGoneError(
                f"the server at {self.url} went away during the answer"
                f" ({error or type(error).__name__})",
                "see why: vconsole status, vconsole logs",
                kind="gone",
            ) from error

    def _decode(self, payload: bytes, wanted: type[T]) -> T:
        try:
            return msgspec.json.decode(payload, type=wanted)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EngineGoneError(
                f"what answers at {self.url} does not speak as vLLM does ({error})",
                "check the address: another program may listen there",
                kind="not_vllm",
            ) from error


async def _read(response: httpx.Response) -> bytes:
    pieces, size_bytes = [], 0
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        size_bytes += len(piece)
        if size_bytes > LARGEST_BODY_BYTES:
            raise EngineGoneError("the server's answer has no end", kind="not_vllm")
    return b"".join(pieces)


async def _events(response: httpx.Response) -> AsyncIterator[bytes]:
    pending = b""
    async for piece in response.aiter_bytes():
        *lines, pending = (pending + piece).split(b"\n")
        if len(pending) > LARGEST_EVENT_BYTES:
            raise EngineGoneError("the server's answer has no end", kind="not_vllm")
        for line in lines:
            if line.startswith(_DATA):
                yield line[len(_DATA) :].strip()


def _not_a_url(url: str, why: str) -> VConsoleError:
    return VConsoleError(f"not a server's URL: {url} ({why})", exit_code=ExitCode.USAGE)


def _header_safe(api_key: str) -> str:
    if not api_key.isascii() or not api_key.isprintable():
        raise VConsoleError(
            "the API key holds a character that no HTTP header can carry",
            exit_code=ExitCode.USAGE,
        )
    return api_key
