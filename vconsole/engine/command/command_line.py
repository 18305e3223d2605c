"""Reading the command line of a vLLM that somebody else started: what it is and what it says.

vLLM's own processes below the API server replace theirs by a title, `PREFIX::EngineCore` and the
like (vllm/utils/system_utils.py); the API server keeps what it was called with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

DEFAULT_PORT = 8000
# Where vLLM listens when it is not told.
ANY_HOST = "0.0.0.0"
PYTHON = re.compile(r"python[\d.]*t?\Z")
TITLE = re.compile(r"[^\s/:]+::(?P<part>(?:EngineCore|Worker|DPCoordinator|APIServer)\w*)\s*\Z")
# Of Python's own options, those that take the next word as their value.
PYTHON_OPTIONS_WITH_VALUE = frozenset({"-X", "-W"})
SERVER_MODULES = frozenset({"vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server"})


def engine_part(argv: Sequence[str]) -> str | None:
    """`EngineCore`, `Worker_TP0`, `APIServer_1` ... of a title, None of anything else."""
    match = TITLE.match(argv[0]) if len(argv) == 1 else None
    return match["part"] if match else None


def is_api_server(argv: Sequence[str]) -> bool:
    """Whether this runs vLLM's API server, rather than only having its name among its words."""
    part = engine_part(argv)
    if part is not None:
        return part.startswith("APIServer")
    program = _program(argv)
    if program[:1] == ["-m"]:
        module = program[1] if len(program) > 1 else ""
        serves = program[2:3] == ["serve"]
        return module in SERVER_MODULES or (module == "vllm.entrypoints.cli.main" and serves)
    path = PurePath(program[0]) if program else PurePath()
    if path.name == "api_server.py":
        return "vllm" in path.parts
    return path.name == "vllm" and program[1:2] == ["serve"]


def flag(argv: Sequence[str], name: str) -> str | None:
    """The value that a flag has at last, written `--name V`, `--name=V` or with underscores."""
    value = None
    for index, word in enumerate(argv):
        given, equals, behind = word.partition("=")
        if _normal(given) == name:
            value = behind if equals else next(iter(argv[index + 1 : index + 2]), None)
    return value


def bind_host(argv: Sequence[str]) -> str:
    return flag(argv, "--host") or ANY_HOST


def expected_port(argv: Sequence[str]) -> int:
    given = flag(argv, "--port") or ""
    return int(given) if given.isdecimal() else DEFAULT_PORT


def model_named(argv: Sequence[str]) -> str | None:
    """The model as it was asked for: `vllm serve MODEL` or `--model MODEL`."""
    words = list(argv)
    behind = words[words.index("serve") + 1 :][:1] if "serve" in words else []
    positional = behind[0] if behind and not behind[0].startswith("-") else None
    return positional or flag(argv, "--model") or flag(argv, "--model-tag")


def _program(argv: Sequence[str]) -> list[str]:
    """The words from the program on, without Python and its options; empty for `python -c`."""
    words = list(argv)
    if not words or not PYTHON.match(PurePath(words[0]).name):
        return words
    del words[0]
    while words and words[0].startswith("-"):
        if words[0] == "-m":
            return words
        if words[0] == "-c":
            return []
        del words[: 2 if words[0] in PYTHON_OPTIONS_WITH_VALUE else 1]
    return words


def _normal(name: str) -> str:
    return name.replace("_", "-")
