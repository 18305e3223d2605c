"""Ollama on this machine, through its HTTP API: what it has loaded, and unloading it.

Routes as Ollama documents them: `GET /api/ps` lists loaded models with `size_vram`; a
`POST /api/generate` without a prompt and with `keep_alive` 0 unloads one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import msgspec

from vconsole.errors import VConsoleError

PORT = 11434
SCHEME_PORTS = {"http": 80, "https": 443}
# What a server binds to and a client cannot mean.
ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
TIMEOUT_S = 2.0
UNLOAD_TIMEOUT_S = 30.0
# Tens of GB from a slow disk.
LOAD_TIMEOUT_S = 240.0
# What Ollama says of a model that it was told to keep lies centuries ahead.
FOREVER_S = 10 * 365 * 86_400
LEAST_S = 60
THIS_HOST = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that Ollama holds: bytes in all, `size_vram` of them on the card."""

    name: str
    size_vram: int = 0
    size: int = 0
    expires_at: str | None = None

    def keep_alive_s(self, now: datetime) -> int | None:
        """For how long Ollama would still keep it, -1 for as good as forever."""
        try:
            left_s = (datetime.fromisoformat(self.expires_at or "") - now).total_seconds()
        except (ValueError, TypeError):
            return None
        return -1 if left_s > FOREVER_S else max(LEAST_S, round(left_s))


@dataclass(frozen=True, slots=True)
class _Loaded:
    models: tuple[LoadedModel, ...] | None = None


def ollama_url() -> str:
    """Where Ollama listens: `OLLAMA_HOST` as its own client reads it, else its default."""
    given = os.environ.get("OLLAMA_HOST", "").strip()
    scheme, _, rest = given.rpartition("://")
    port = SCHEME_PORTS.get(scheme, PORT)
    try:
        split = urlsplit(f"//{rest}")
        host, port = split.hostname or "", split.port or port
    except ValueError:
        return f"http://127.0.0.1:{PORT}"
    host = ANY_ADDRESS.get(host, host)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme or 'http'}://{host}:{port}{split.path.rstrip('/')}"


def is_on_this_host(url: str) -> bool:
    """Whether what answers there could hold memory of our cards."""
    try:
        return urlsplit(url).hostname in THIS_HOST
    except ValueError:
        return False


def loaded_models(
    url: str | None = None, client: httpx.Client | None = None
) -> tuple[LoadedModel, ...] | None:
    """What Ollama has loaded now, or None where no Ollama answers."""
    if client is None:
        with httpx.Client(trust_env=False) as own:
            return loaded_models(url, own)
    try:
        answer = client.get(f"{url or ollama_url()}/api/ps", timeout=TIMEOUT_S)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=_Loaded).models or ()
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError):
        return None


def version(url: str | None = None) -> str | None:
    """Which Ollama answers, or None where none does."""
    try:
        answer = httpx.get(f"{url or ollama_url()}/api/version", timeout=TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=dict[str, str]).get("version")
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError):
        return None


def load(model: str, keep_alive_s: int | None = None, url: str | None = None) -> None:
    """Have Ollama take a model into memory again, as its own clients would at the next request.

    It keeps it for so long, forever where that is negative, by its own setting where it is None.
    """
    more = {} if keep_alive_s is None else {"keep_alive": keep_alive_s}
    _generate(model, more, "load", f"try: ollama run {model}", url, LOAD_TIMEOUT_S)


def unload(model: str, url: str | None = None) -> None:
    """Have Ollama let go of a model's memory; the daemon and the model on disk stay."""
    _generate(model, {"keep_alive": 0}, "unload", f"try: ollama stop {model}", url)


def _generate(
    model: str,
    more: dict[str, int],
    verb: str,
    remedy: str,
    url: str | None,
    timeout_s: float = UNLOAD_TIMEOUT_S,
) -> None:
    try:
        answer = httpx.post(
            f"{url or ollama_url()}/api/generate",
            json={"model": model, **more},
            timeout=timeout_s,
            trust_env=False,
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise VConsoleError(f"Ollama did not {verb} {model}: {error}", remedy) from error
