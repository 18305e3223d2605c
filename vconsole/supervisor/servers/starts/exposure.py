"""Who can reach a server: what is refused, and what has to be said.

vLLM guards `/v1`, `/v2`, `/inference` and `/cohere` with its key; every other route stays open
(`GUARDED_PREFIX` in vllm/entrypoints/serve/middleware/authenticate.py, 0.32).
"""

from __future__ import annotations

from collections.abc import Mapping

from vconsole.errors import ExitCode, VConsoleError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
OPEN_ROUTES = "/invocations (full inference), /tokenize, /metrics, /docs, /scale_elastic_ep"
DEVELOPMENT = "VLLM_SERVER_DEV_MODE"


def require_safe(host: str, environment: Mapping[str, str]) -> None:
    """Refuse (exit code 5) what would let strangers in."""
    if host not in LOOPBACK and not environment.get("VLLM_API_KEY"):
        raise VConsoleError(
            f"refusing to bind to {host} without an API key: everybody who reaches this host could "
            "use the model",
            "set VLLM_API_KEY in the environment, or keep 127.0.0.1 and tunnel with `ssh -L`",
            ExitCode.REFUSED,
            kind="exposed",
        )
    if environment.get(DEVELOPMENT, "0") not in {"", "0"}:
        raise VConsoleError(
            f"refusing to start with {DEVELOPMENT}: its routes run code without any key",
            f"unset {DEVELOPMENT}",
            ExitCode.REFUSED,
            kind="exposed",
        )


def warnings(host: str) -> tuple[str, ...]:
    """What the owner should know of a server that listens on `host`."""
    if host in LOOPBACK:
        return ()
    return (f"reachable from outside; the API key does not guard {OPEN_ROUTES}",)
