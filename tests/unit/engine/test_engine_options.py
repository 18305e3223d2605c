"""An engine's options: found by every spelling, checked before a start, kept for the next."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from vconsole.engine.find import Engine
from vconsole.engine.options.checking import faults
from vconsole.engine.options.option import EngineOption, EngineOptions
from vconsole.engine.options.reading import cache_path, cached_options, engine_options
from vconsole.errors import VConsoleError

OPTIONS = EngineOptions(
    "0.32.0",
    (
        EngineOption(("--max-model-len",)),
        EngineOption(("--max-num-seqs",), "int"),
        EngineOption(("--gpu-memory-utilization",), "float"),
        EngineOption(("--enforce-eager", "--no-enforce-eager"), "switch"),
        EngineOption(("--kv-cache-dtype",), choices=("auto", "fp8")),
        EngineOption(("--tensor-parallel-size", "-tp"), "int"),
        EngineOption(("--optimization-level", "-O")),
        EngineOption(("--speculative-config", "-sc"), help="a valid JSON string"),
        EngineOption(("--lora-modules",), "list"),
    ),
)
SAYS = "#!/bin/sh\necho asked >> {calls}\necho noise\necho '{answer}'\n"
ANSWER = '[{"names": ["--seed"], "kind": "int", "help": "The seed."}]'


@pytest.mark.parametrize(
    "words",
    [
        ("--max_model_len", "8k"),
        ("--max-model-len=-1",),
        ("-tp", "2"),
        ("-O3",),
        ("--no-enforce-eager",),
        ("--speculative-config.method", "ngram"),
        ("-sc", '{"method": "ngram"}'),
        ("--lora-modules", "a=/x", "b=/y"),
        ("--max-num", "4"),
    ],
)
def test_what_vllm_takes_is_no_fault(words: tuple[str, ...]) -> None:
    assert faults(OPTIONS, words) == ()


@pytest.mark.parametrize(
    ("words", "why", "closest"),
    [
        (("--max-modle-len", "5"), "has no option --max-modle-len", "--max-model-len"),
        (("--frobnicate",), "has no option --frobnicate", None),
        (("--max-num-seqs", "many"), "is a number, not many", None),
        (("--kv-cache-dtype", "fp9"), "is one of auto, fp8, not fp9", None),
        (("--enforce-eager", "true"), "takes no value", None),
        (("--max-num-seqs",), "needs a value", None),
        (("--max-num-seqs", "1", "2"), "takes one value", None),
        (("-sc", '{"method":'), "JSON object that cannot be read", None),
    ],
)
def test_what_vllm_refuses_is_named(words: tuple[str, ...], why: str, closest: str | None) -> None:
    (fault,) = faults(OPTIONS, words)
    assert why in fault.why
    assert fault.closest == closest


def engine(folder: Path, answer: str) -> Engine:
    """An engine whose Python is a script: a stand-in that says what vLLM's parser would."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(SAYS.format(calls=folder / "calls", answer=answer))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return Engine(python, "0.32.0", "cpu", folder, "test")


def test_an_engine_is_asked_once(tmp_path: Path) -> None:
    one = engine(tmp_path / "one", ANSWER)
    assert cached_options(one) is None
    for _ in range(2):
        assert engine_options(one).options[0].help == "The seed."
    assert (tmp_path / "one" / "calls").read_text() == "asked\n"
    cache_path(one).write_text("[{")
    assert cached_options(one) is None
    assert engine_options(one).options[0].name == "--seed"


def test_an_engine_that_says_nothing_of_use_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VConsoleError, match="cannot be read"):
        engine_options(engine(tmp_path / "two", "no json"))
