"""The command line and environment of a vLLM server that vconsole starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vconsole.engine.command.command_line import flag
from vconsole.engine.command.flags import split_flags
from vconsole.engine.command.sleep import sleep_flags

# Quiet routes: what vconsole itself polls would otherwise fill the log.
POLLED_ROUTES = ("/health", "/metrics", "/v1/models", "/ping", "/load", "/version")
# vLLM's smallest inter-token bucket is 10 ms, useless above 100 tokens/s for one stream.
ITL_BUCKETS_S = (
    *(0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04),
    *(0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0),
)
PRIORITY_POLICY = "priority"
# The first release whose parser was seen to take them: 0.31 knows neither of the later two.
OUR_FLAGS_SINCE = (0, 30)
OUR_LATER_FLAGS_SINCE = (0, 32)
# Variables of the caller that mean something to the server.
PASSED_ON_PREFIXES = ("HF_", "VLLM_", "CUDA_", "NCCL_", "TORCH", "OMP_", "HUGGING_FACE_")
PASSED_ON_NAMES = frozenset(
    {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    | {"LD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
)
# What would lead the engine's Python astray.
DROPPED_PREFIXES = (
    "VCONSOLE_",
    "VLLM_PROCESS_NAME_PREFIX",
    "PYTHON",
    "VIRTUAL_ENV",
    "TEXTUAL_",
    "NOTIFY_SOCKET",
    "WATCHDOG_",
    "CREDENTIALS_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
)
# How large the CPU build's KV cache is to be, as a variable (GiB) and as a flag.
KV_SPACE, KV_SIZE = "VLLM_CPU_KVCACHE_SPACE", "--kv-cache-memory-bytes"
GIB = 2**30


class ServingEngine(Protocol):
    """What a command needs to know of an engine."""

    @property
    def version(self) -> str: ...
    @property
    def device(self) -> str: ...
    def serve_command(self, model: str) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What is served and where; `flags` are the user's own vLLM flags and win over ours.

    With `may_sleep` the server gets what a swap needs to put it asleep.
    """

    model: str
    served_name: str
    host: str
    port: int
    drain_s: int
    flags: tuple[str, ...] = ()
    may_sleep: bool = False


def build_command(engine: ServingEngine, options: ServeOptions) -> tuple[str, ...]:
    """The argument vector; flags that the user gave are not given a second time by us."""
    ours: list[tuple[str, str]] = [
        ("--served-model-name", options.served_name),
        ("--host", options.host),
        ("--port", str(options.port)),
    ]
    if _release(engine.version) >= OUR_FLAGS_SINCE:
        ours += [
            ("--shutdown-timeout", str(options.drain_s)),
            ("--disable-access-log-for-endpoints", ",".join(POLLED_ROUTES)),
            # Requests without a priority come as before; those of a batch let others go first.
            ("--scheduling-policy", PRIORITY_POLICY),
        ]
    if _release(engine.version) >= OUR_LATER_FLAGS_SINCE:
        ours += [
            ("--logging-config.formatter", "json"),
            ("--custom-histogram-buckets", _histogram_buckets()),
        ]
    given = {flag.partition("=")[0].replace("_", "-") for flag in options.flags}
    kept = [part for name, value in ours if name not in given for part in (name, value)]
    sleep = sleep_flags(engine.device) if options.may_sleep else ()
    return (*engine.serve_command(options.model), *kept, *sleep, *options.flags)


def schedules_by_priority(command: Sequence[str]) -> bool:
    """Whether a server of that command line heeds the `priority` of a request."""
    given = [flag for flag in split_flags(command) if flag.option == "--scheduling-policy"]
    return bool(given) and given[-1].value == PRIORITY_POLICY


def build_environment(
    inherited: Mapping[str, str],
    given: Mapping[str, str],
    device: str,
    free_memory_bytes: int,
    command: Sequence[str] = (),
) -> dict[str, str]:
    """The server's environment: what we inherited, what the caller gave, and what we insist on.

    The CPU build heeds `--kv-cache-memory-bytes` of its `command` only without the variable.
    """
    environment = {
        name: value for name, value in inherited.items() if not name.startswith(DROPPED_PREFIXES)
    }
    if device == "cpu" and flag(command, KV_SIZE) is not None:
        environment.pop(KV_SPACE, None)
    elif device == "cpu":
        environment[KV_SPACE] = str(cpu_kv_space_gib(free_memory_bytes))
    environment.update(given)
    environment.update(
        VLLM_NO_USAGE_STATS="1",
        VLLM_DISABLE_LOG_LOGO="1",
        PYTHONUNBUFFERED="1",
        NO_COLOR="1",
        # setproctitle would wipe the environment that /proc shows, and with it our tag.
        SPT_NOENV="1",
    )
    return environment


def told_kv_space_bytes(environment: Mapping[str, str]) -> int | None:
    """What the environment tells the CPU build to take, which goes before its flags."""
    given = environment.get(KV_SPACE, "")
    return int(given) * GIB if given.isdecimal() and int(given) else None


def cpu_kv_space_gib(free_memory_bytes: int) -> int:
    """KV cache for the CPU build: a quarter of the free memory, 1 to 16 GiB.

    Left alone, vLLM takes most of the machine.
    """
    return max(1, min(16, free_memory_bytes // (4 * GIB)))


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables that a start hands to the server."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith(PASSED_ON_PREFIXES) or name in PASSED_ON_NAMES
    }


def _release(version: str) -> tuple[int, int]:
    """Major and minor of a version such as `0.32.0+cpu`; (0, 0) where it is not numeric."""
    parts = version.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return (0, 0)


def _histogram_buckets() -> str:
    return json.dumps({"inter_token_latency": ITL_BUCKETS_S})
