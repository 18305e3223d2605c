"""Failures provoked for real on a vLLM: each is named, with its line, its remedy, its way out.

Each has a server of its own; three run at a time. `make test` provokes one of each kind: before
vLLM runs, of its arguments, its model, its weights and its disk; `make long` provokes all.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.home import Home, Ran, free_port, wait_until
from vconsole import paths

pytestmark = pytest.mark.engine

DEMO = paths.resources_dir() / "demo_models" / "demo-lark"
EAGER = ("--enforce-eager", "--max-num-seqs", "8")
ONE_INODE = "size=1m,nr_inodes=1"
AT_ONCE = 3


def edit(name: str, **changes: Any) -> Callable[[Path], None]:
    """Change keys of a JSON file of the model; None removes one."""

    def change(folder: Path) -> None:
        path = folder / name
        known = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps({k: v for k, v in known.items() if v is not None}))

    return change


def write(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text)

    return change


def remove(*patterns: str) -> Callable[[Path], None]:
    def drop(folder: Path) -> None:
        for file in [file for pattern in patterns for file in folder.glob(pattern)]:
            file.unlink()

    return drop


def cut_short(folder: Path) -> None:
    shard = next(folder.glob("*.safetensors"))
    os.truncate(shard, shard.stat().st_size // 2)


def too_long_for_its_cache(folder: Path) -> None:
    edit("config.json", max_position_embeddings=4_000_000)(folder)
    edit("tokenizer_config.json", model_max_length=None)(folder)


def without_template(folder: Path) -> None:
    edit("tokenizer_config.json", chat_template=None)(folder)
    remove("chat_template*")(folder)


@dataclass(frozen=True)
class Case:
    """A model made from the demo's, flags, and what is to come of it."""

    cause: str
    change: Callable[[Path], None] = lambda folder: None
    flags: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    model: str | None = None
    code: int = 1
    evidence: str = ""
    suggests: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


CASES = {
    "wrong path": Case("model_not_found", model="/no/such/model"),
    "not on the hub": Case("hub_unreachable", model="acme/none", evidence="cached snapshot"),
    "unknown flag": Case("bad_argument", flags=("--no-such-flag",), code=2),
    "unknown flag, by vLLM": Case(
        "bad_argument",
        flags=("--no-such-flag",),
        options=("--anyway",),
        evidence="unrecognized arguments",
    ),
    "too long": Case(
        "max_len_exceeds_model",
        flags=("--max-model-len", "999999"),
        evidence="User-specified max_model_len",
        suggests=("--max-model-len", "2048"),
    ),
    "utilisation of nonsense": Case(
        "bad_argument", flags=("--gpu-memory-utilization", "1.5"), evidence="Input should be"
    ),
    "no tokenizer": Case("tokenizer_error", remove("tokenizer*", "special_tokens*")),
    "shard cut short": Case("corrupt_weights", cut_short, evidence="SafetensorError"),
    "no weights": Case("corrupt_weights", remove("*.safetensors"), evidence="model weights"),
    "broken config": Case("invalid_config", write("config.json", "{"), evidence="JSON"),
    "unknown architecture": Case(
        "unsupported_arch",
        edit("config.json", architectures=["AcmeForCausalLM"]),
        evidence="not supported for now",
    ),
    "unknown model type": Case(
        "transformers_outdated",
        edit("config.json", model_type="acme", architectures=None),
        evidence="model type `acme`",
    ),
    "another shape": Case(
        "weights_mismatch",
        edit("config.json", intermediate_size=1000),
        evidence="exceeds dimension size",
    ),
    "no adapter": Case(
        "lora_error",
        flags=("--enable-lora", "--lora-modules", "a=/no/such/adapter"),
        evidence="adapter",
    ),
    "heads by three": Case("tp_not_divisible", flags=("-tp", "3"), evidence="divisible"),
    "half a speculation": Case(
        "spec_decode_config",
        flags=("--speculative-config", '{"method": "ngram", "prompt_lookup_max": 0}'),
    ),
    "no template file": Case(
        "bad_argument", flags=("--chat-template", "/no/such/template.jinja"), evidence="template"
    ),
    "wrong quantisation": Case(
        "bad_argument",
        edit("config.json", quantization_config={"quant_method": "awq", "bits": 4}),
        flags=("--quantization", "gptq"),
    ),
    "long": Case("", too_long_for_its_cache, ("--max-model-len", "4000000"), ("--adapt",), code=0),
    "plain": Case("", without_template, code=0),
    "full disk": Case("disk_full", env={"VLLM_RPC_BASE_PATH": "{full}"}, evidence="No space left"),
}

ORDINARY = {
    *("wrong path", "not on the hub", "unknown flag", "too long", "shard cut short"),
    *("full disk", "plain"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("failures"), engine_python)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system on which no further file can be made."""
    folder = tmp_path_factory.mktemp("full")
    subprocess.run(["mount", "-t", "tmpfs", "-o", ONE_INODE, "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def model(home: Home, name: str, change: Callable[[Path], None]) -> Path:
    folder = home.root / "models" / server_of(name)
    shutil.copytree(DEMO, folder)
    change(folder)
    return folder


def server_of(name: str) -> str:
    return name.replace(" ", "-").replace(",", "").lower()


def start(home: Home, name: str, case: Case, full_disk: Path) -> Ran:
    served = case.model or str(model(home, name, case.change))
    ours = ("--name", server_of(name), "--port", str(free_port()), "--json", *case.options)
    given = {key: value.format(full=full_disk) for key, value in case.env.items()}
    user = Home(home.root, home.env["VCONSOLE_ENGINE"])
    user.env.update(given)
    return user.run("start", served, *ours, "--", *EAGER, *case.flags)


@pytest.fixture(scope="module")
def outcomes(home: Home, full_disk: Path, request: pytest.FixtureRequest) -> dict[str, Ran]:
    """The ordinary cases, or all of them where long tests are run; three at a time."""
    home.run("supervisor", "status")
    whole = any(item.get_closest_marker("long") for item in request.session.items)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        longest_first = sorted(CASES if whole else ORDINARY, key=lambda name: CASES[name].code)
        begun = {
            name: pool.submit(start, home, name, CASES[name], full_disk) for name in longest_first
        }
        return {name: each.result() for name, each in begun.items()}


@pytest.mark.root
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ORDINARY else pytest.mark.long)
        for name, case in CASES.items()
        if case.code
    ],
)
def test_a_real_failure_is_named(home: Home, outcomes: dict[str, Ran], name: str) -> None:
    case, ran = CASES[name], outcomes[name]
    failure = home.status(server_of(name))["server"]["last_failure"]
    said = (ran.err, failure)
    assert ran.code == case.code, said
    error = ran.data["error"]
    assert error["kind"] == case.cause, said
    assert error["remedy"], said
    assert "Traceback" not in ran.err
    if case.evidence:
        assert failure is not None
        assert failure["cause"] == case.cause
        assert case.evidence in failure["evidence_text"], said
    if case.suggests:
        assert tuple(failure["suggested_flags"]) == case.suggests
        assert f"-- {' '.join([*EAGER, *case.suggests])}" in error["remedy"]


@pytest.mark.root
def test_what_has_just_failed_is_not_tried_again_unchanged(
    home: Home, outcomes: dict[str, Ran]
) -> None:
    served = str(home.root / "models" / "too-long")
    port = str(home.status("too-long")["server"]["port"])
    ours = ("--name", "too-long", "--port", port, "--json")
    again = home.run("start", served, *ours, "--", *EAGER, *CASES["too long"].flags)
    assert again.code == 5
    assert again.data["error"]["kind"] == "failed_before"
    assert "--max-model-len 2048" in again.data["error"]["remedy"]
    assert home.status("too-long")["server"]["state"] == "failed"


def test_a_taken_port_is_said_at_once(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = home.run("start", "demo", "--name", "taken", "--port", port, "--json")
    assert (ran.code, ran.data["error"]["kind"]) == (5, "port_in_use")


@pytest.mark.long
@pytest.mark.root
def test_the_length_that_vllm_names_starts_when_adapted(
    home: Home, outcomes: dict[str, Ran]
) -> None:
    """The KV cache of a CPU server is what its variable says, so that a long request misses it."""
    ran = outcomes["long"]
    assert ran.code == 0, ran.err
    old, new = ran.data["adapted"]
    assert old == "- --max-model-len 4000000"
    length = int(new.rpartition(" ")[2])
    assert home.status("long")["server"]["max_model_len"] == length
    assert home.run("stop", "--name", "long").code == 0


@pytest.mark.root
def test_no_template_is_named_while_it_serves_and_a_kill_is_no_lack_of_memory(
    home: Home, outcomes: dict[str, Ran]
) -> None:
    ran = outcomes["plain"]
    assert ran.code == 0, ran.err
    wait_until("it is named", lambda: bool(home.status("plain")["server"]["warnings"]))
    assert "no chat template" in home.status("plain")["server"]["warnings"][0]
    asked = {"model": "plain", "messages": [{"role": "user", "content": "hello"}]}
    answer = httpx.post(f"{ran.data['url']}/v1/chat/completions", json=asked, timeout=20)
    assert answer.status_code == 400
    told = home.run("events", "--kind", "degraded", "--name", "plain", "--json").out.splitlines()
    assert [json.loads(each)["data"]["cause"] for each in told] == ["chat_template_missing"]
    leader = psutil.Process(ran.data["pid"])
    engine = next(p for p in leader.children(recursive=True) if "EngineCore" in p.cmdline()[0])
    engine.send_signal(signal.SIGKILL)
    wait_until("it is over", lambda: home.status("plain")["server"]["last_failure"], 60)
    failure = home.status("plain")["server"]["last_failure"]
    assert failure["cause"] == "killed", failure
    assert "not the kernel" in failure["message"]
    assert failure["retryable"] is True
    home.run("stop", "--name", "plain")
