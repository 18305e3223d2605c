"""Requests that stream for as long as a fault needs them."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import httpx

from tests.support.home import wait_until

TOKENS = 1900


class Load:
    """Two clients that stream long answers, one after another, until the block ends."""

    def __init__(self, url: str, model: str) -> None:
        self._url, self._model = url, model
        self._over = threading.Event()
        self._streaming = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        for _ in self._threads:
            assert self._streaming.acquire(timeout=60), "no token came"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        wait_until("the load ends", lambda: not any(t.is_alive() for t in self._threads), 60)

    def _work(self) -> None:
        body = {"model": self._model, "prompt": "Once", "stream": True, "ignore_eos": True}
        body |= {"max_tokens": TOKENS, "min_tokens": TOKENS}
        while not self._over.is_set():
            # A server that dies under its clients is what the cases are about.
            with suppress(httpx.HTTPError):
                self._stream(body)
            self._over.wait(0.5)

    def _stream(self, body: dict[str, object]) -> None:
        url = f"{self._url}/v1/completions"
        with httpx.stream("POST", url, json=body, timeout=20) as answer:
            told = False
            for _ in answer.iter_lines():
                if not told:
                    self._streaming.release()
                    told = True
                if self._over.is_set():
                    return
