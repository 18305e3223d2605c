"""Flags against the options that an engine has, before anything is started."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vconsole.engine.command.flags import Flag, split_flags
from vconsole.engine.options.option import EngineOption, EngineOptions

# Options that every version since 0.6 has, so that they need no look at its table.
WELL_KNOWN = frozenset(
    {"--max-model-len", "--max-num-seqs", "--max-num-batched-tokens", "--gpu-memory-utilization"}
    | {"--enforce-eager", "--kv-cache-dtype", "--dtype", "--quantization", "--tokenizer", "--seed"}
    | {"--tensor-parallel-size", "--pipeline-parallel-size", "--trust-remote-code", "--revision"}
    | {"--enable-prefix-caching", "--chat-template", "--enable-lora", "--lora-modules"}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A flag that this engine refuses, in a sentence, and the option that may be meant."""

    flag: str
    why: str
    closest: str | None = None


def faults(options: EngineOptions, words: Sequence[str]) -> tuple[Fault, ...]:
    """What is wrong with these flags, as far as the parser's table tells."""
    return tuple(fault for flag in split_flags(words) for fault in _faults(options, flag))


def _faults(options: EngineOptions, flag: Flag) -> Iterator[Fault]:
    option = options.find(flag)
    if option is None:
        name = flag.name.partition("=")[0]
        why = f"vLLM {options.version} has no option {name}"
        yield Fault(name, why, options.closest(flag.option))
    elif "." not in flag.option and (wrong := _wrong_value(option, flag)):
        yield Fault(option.name, wrong)


def _wrong_value(option: EngineOption, flag: Flag) -> str | None:
    _, equals, behind = flag.name.partition("=")
    values = ((behind,) if equals else ()) + flag.values
    if option.kind == "switch":
        return f"{option.name} takes no value, not {' '.join(values)}" if values else None
    if flag.name.startswith("-O") and flag.name != "-O":
        return None
    if not values:
        return f"{option.name} needs a value"
    if option.kind != "list" and len(values) > 1:
        return f"{option.name} takes one value, not {' '.join(values)}"
    return next((why for value in values if (why := _wrong(option, value))), None)


def _wrong(option: EngineOption, value: str) -> str | None:
    if option.choices and value not in option.choices:
        return f"{option.name} is one of {', '.join(option.choices)}, not {value}"
    if option.kind in ("int", "float") and not _is_number(value, option.kind):
        return f"{option.name} is a number, not {value}"
    if value.startswith("{") and not _is_json(value):
        return f"{option.name} is given a JSON object that cannot be read: {value}"
    return None


def _is_number(value: str, kind: str) -> bool:
    try:
        return (int if kind == "int" else float)(value) is not None
    except ValueError:
        return False


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
