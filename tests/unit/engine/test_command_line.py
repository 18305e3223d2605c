"""Command lines of other people's servers: what is one, what it says, and what it must not show."""

from __future__ import annotations

import pytest

from vconsole.engine.command import command_line
from vconsole.engine.command.secrets import redacted, without_secrets

SERVERS = [
    "/opt/v/bin/python /opt/v/bin/vllm serve m",
    "python3.12 -u -X dev /opt/v/bin/vllm serve m --port 9",
    "/opt/v/bin/vllm serve m",
    "python -m vllm.entrypoints.openai.api_server --model m",
    "python3 -W ignore -m vllm.entrypoints.cli.main serve m",
    "python /src/vllm/entrypoints/openai/api_server.py --model m",
    "VLLM::APIServer_0",
]
OTHERS = [
    "vim vllm-serve.md",
    "vim vllm serve",
    "bash -c vllm serve m",
    "grep -r vllm serve",
    "uv run vllm serve m",
    "python -c import_something vllm serve",
    "python -m pytest vllm serve",
    "python -m",
    "python /opt/v/bin/vllm bench serve",
    "python api_server.py",
    "VLLM::EngineCore",
    "VLLM::EngineCore and more",
    "",
]


@pytest.mark.parametrize("line", SERVERS)
def test_an_api_server_is_known_by_what_it_runs(line: str) -> None:
    assert command_line.is_api_server(line.split(" "))


@pytest.mark.parametrize("line", OTHERS)
def test_the_name_alone_makes_no_server(line: str) -> None:
    assert not command_line.is_api_server(line.split(" "))


def test_no_words_at_all_are_no_server() -> None:
    assert not command_line.is_api_server([])
    assert command_line.engine_part([]) is None


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("VLLM::EngineCore", "EngineCore"),
        ("VC-main::Worker_TP0  ", "Worker_TP0"),
        ("mine::EngineCore_DP1", "EngineCore_DP1"),
        ("/bin/x::Worker", None),
        ("ray::RayWorkerWrapper", None),
        ("EngineCore", None),
    ],
)
def test_titles_of_an_engine_have_a_prefix(title: str, part: str | None) -> None:
    assert command_line.engine_part([title]) == part


def words(line: str) -> list[str]:
    return line.split()


def test_flags_are_read_as_vllm_reads_them() -> None:
    argv = words("vllm serve m --port 1 --served_model_name x --port=2 --host")
    assert command_line.flag(argv, "--port") == "2"
    assert command_line.flag(argv, "--served-model-name") == "x"
    assert command_line.flag(argv, "--host") is None
    assert command_line.expected_port(argv) == 2
    assert command_line.expected_port(["vllm", "serve"]) == 8000
    assert command_line.model_named(argv) == "m"
    assert command_line.model_named(words("python -m x --model folder/m")) == "folder/m"


@pytest.mark.parametrize(
    "given",
    ["--api-key k1 k2 --port 9", "--api_key=k1 --port 9", "--port 9 --api-key k1"],
)
def test_keys_leave_the_command_line_and_are_never_shown(given: str) -> None:
    argv = ["vllm", "serve", "m", *given.split()]
    kept, variables = without_secrets(argv)
    assert kept == ("vllm", "serve", "m", "--port", "9")
    assert variables == {"VLLM_API_KEY": "k1"}
    shown = redacted(argv)
    assert not [word for word in shown if "k1" in word or "k2" in word]
    assert {"--port", "9"} <= set(shown)


def test_a_token_of_the_hub_is_a_secret_too() -> None:
    kept, variables = without_secrets(words("vllm serve --hf-token hf_x m -q awq"))
    assert kept == ("vllm", "serve", "m", "-q", "awq")
    assert variables == {"HF_TOKEN": "hf_x"}
