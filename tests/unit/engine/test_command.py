"""The command line and environment of a server."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vconsole.engine.command.command import (
    GIB,
    ServeOptions,
    build_command,
    build_environment,
    cpu_kv_space_gib,
    passed_on,
    schedules_by_priority,
)


@dataclass(frozen=True)
class AnEngine:
    version: str = "0.32.0"
    device: str = "cpu"

    def serve_command(self, model: str) -> tuple[str, ...]:
        return ("vllm", "serve", model)


def options(*flags: str) -> ServeOptions:
    return ServeOptions("m", "name", "127.0.0.1", 8000, 15, flags)


def value(command: tuple[str, ...], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_it_binds_to_loopback_and_drains() -> None:
    command = build_command(AnEngine(), options())
    assert command[:3] == ("vllm", "serve", "m")
    assert value(command, "--host") == "127.0.0.1"
    assert value(command, "--shutdown-timeout") == "15"
    assert value(command, "--scheduling-policy") == "priority"
    assert value(command, "--logging-config.formatter") == "json"


@pytest.mark.parametrize(
    "given",
    [("--shutdown-timeout", "60"), ("--shutdown-timeout=60",), ("--shutdown_timeout", "60")],
)
def test_what_the_user_gives_is_not_given_twice(given: tuple[str, ...]) -> None:
    command = build_command(AnEngine(), options(*given))
    assert "15" not in command
    assert command[-len(given) :] == given


@pytest.mark.parametrize(
    ("words", "heeds"),
    [
        (("--scheduling-policy", "priority"), True),
        (("--scheduling_policy=priority", "--port", "1"), True),
        (("--scheduling-policy", "priority", "--scheduling-policy", "fcfs"), False),
        (("--port", "priority"), False),
        (("--scheduling-policy",), False),
    ],
)
def test_a_command_line_says_whether_priorities_are_heeded(
    words: tuple[str, ...], heeds: bool
) -> None:
    assert schedules_by_priority(("vllm", "serve", "m", *words)) is heeds


def test_an_old_engine_gets_no_flag_that_it_does_not_know() -> None:
    command = build_command(AnEngine("0.11.2"), options())
    assert "--shutdown-timeout" not in command
    assert "--port" in command


def test_the_environment_leads_no_python_astray_and_tells_nobody() -> None:
    inherited = {"PYTHONPATH": "/x", "VIRTUAL_ENV": "/v", "VCONSOLE_ENGINE": "e", "PATH": "/bin"}
    made = build_environment(inherited, {"HF_HOME": "/h"}, "cuda", 8 * GIB)
    assert made["PATH"] == "/bin"
    assert made["HF_HOME"] == "/h"
    assert made["VLLM_NO_USAGE_STATS"] == "1"
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "VCONSOLE_ENGINE", "VLLM_CPU_KVCACHE_SPACE"} & set(
        made
    )


def test_the_cpu_build_gets_a_bounded_cache_unless_told() -> None:
    assert build_environment({}, {}, "cpu", 24 * GIB)["VLLM_CPU_KVCACHE_SPACE"] == "6"
    given = {"VLLM_CPU_KVCACHE_SPACE": "2"}
    assert build_environment({}, given, "cpu", 24 * GIB)["VLLM_CPU_KVCACHE_SPACE"] == "2"
    # A size among the flags is heeded only where the variable does not overrule it.
    sized = ("vllm", "serve", "m", "--kv-cache-memory-bytes=900000")
    inherited = {"VLLM_CPU_KVCACHE_SPACE": "3"}
    assert "VLLM_CPU_KVCACHE_SPACE" not in build_environment(inherited, {}, "cpu", GIB, sized)
    assert build_environment({}, given, "cpu", GIB, sized)["VLLM_CPU_KVCACHE_SPACE"] == "2"
    assert [cpu_kv_space_gib(n * GIB) for n in (1, 8, 500)] == [1, 2, 16]


def test_only_what_concerns_the_server_is_passed_on() -> None:
    environ = {"HF_TOKEN": "t", "CUDA_VISIBLE_DEVICES": "1", "SSH_AUTH_SOCK": "s", "HOME": "/r"}
    assert passed_on(environ) == {"HF_TOKEN": "t", "CUDA_VISIBLE_DEVICES": "1"}
