"""vLLM's flags on a command line: told apart, replaced, compared."""

from __future__ import annotations

import pytest

from vconsole.engine.command.flags import added, difference, options_given, replaced, split_flags


def test_values_belong_to_their_flag() -> None:
    flags = split_flags(["--a", "1", "--lora-modules", "x=1", "y=2", "--n", "-1", "--e"])
    assert [flag.words for flag in flags] == [
        ("--a", "1"),
        ("--lora-modules", "x=1", "y=2"),
        ("--n", "-1"),
        ("--e",),
    ]


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("--max_model_len", "--max-model-len"),
        ("--max-model-len=5", "--max-model-len"),
        ("--no-enable-lora", "--enable-lora"),
        ("-tp", "--tensor-parallel-size"),
        ("-O3", "--optimization-level"),
        ("--logging_config.log_level", "--logging-config.log_level"),
    ],
)
def test_an_option_has_many_spellings(written: str, option: str) -> None:
    assert options_given([written]) == {option}


def test_a_change_takes_the_place_of_what_it_changes() -> None:
    flags = ("--max-model-len=9", "--enforce-eager", "-tp", "4")
    changed = replaced(flags, ("--max-model-len", "5", "--kv-cache-dtype", "fp8"))
    assert changed == (
        *("--max-model-len", "5", "--enforce-eager", "-tp", "4", "--kv-cache-dtype", "fp8"),
    )
    assert replaced(flags, ()) == flags
    assert replaced(("--no-enable-lora",), ("--enable-lora",)) == ("--enable-lora",)


def test_the_plan_never_overrules_the_user() -> None:
    plan = ("--gpu-memory-utilization", "0.9", "--max-model-len", "8192")
    assert added(("--gpu_memory_utilization=0.5",), plan) == ("--max-model-len", "8192")


def test_a_difference_shows_old_and_new() -> None:
    before, after = ("--a", "1", "--b", "--c=3"), ("--a", "2", "--c", "3", "--no-b", "--d")
    assert difference(before, after) == ("- --a 1", "+ --a 2", "- --b", "+ --no-b", "+ --d")
