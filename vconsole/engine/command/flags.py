"""vLLM's flags as a command line has them: told apart, replaced, compared.

`--a-b`, `--a_b`, `--a-b=v` and `--no-a-b` are one option, and so are its short names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Short names that people use (vllm/engine/arg_utils.py); others stay what they are.
SHORT = {
    "-tp": "--tensor-parallel-size",
    "-pp": "--pipeline-parallel-size",
    "-dp": "--data-parallel-size",
    "-q": "--quantization",
    "-sc": "--speculative-config",
    "-cc": "--compilation-config",
    "-O": "--optimization-level",
}
_NUMBER = re.compile(r"-\d")
_LEVEL = re.compile(r"-O(?:=?\d)")


@dataclass(frozen=True, slots=True)
class Flag:
    """One option as it was written: `name` is its first word, `values` what belongs to it."""

    name: str
    values: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The option that is meant: long, with dashes, without `no-`, without a dotted key."""
        name = self.name.partition("=")[0]
        name = SHORT.get("-O" if _LEVEL.match(self.name) else name, name)
        head, dot, rest = name.partition(".")
        head = head.replace("_", "-")
        return (f"--{head[5:]}" if head.startswith("--no-") else head) + dot + rest

    @property
    def value(self) -> str | None:
        """What it is set to, after `=` or as its first value; None for a switch."""
        _, equals, value = self.name.partition("=")
        return value if equals else next(iter(self.values), None)

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.values)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def split_flags(words: Iterable[str]) -> tuple[Flag, ...]:
    """The options among `words`, each with its values; words before the first option are none."""
    found: list[list[str]] = []
    for word in words:
        if is_flag(word):
            found.append([word])
        elif found:
            found[-1].append(word)
    return tuple(Flag(first, tuple(values)) for first, *values in found)


def is_flag(word: str) -> bool:
    """Whether a word names an option; `-1` is a value."""
    return word.startswith("-") and len(word) > 1 and not _NUMBER.match(word)


def options_given(words: Iterable[str]) -> frozenset[str]:
    return frozenset(flag.option for flag in split_flags(words))


def replaced(words: Sequence[str], changes: Sequence[str]) -> tuple[str, ...]:
    """`words` with the options of `changes`: in the place of the old one, new ones at the end."""
    new = {flag.option: flag for flag in split_flags(changes)}
    kept: list[Flag] = []
    for flag in split_flags(words):
        if flag.option not in new:
            kept.append(flag)
        elif new[flag.option] not in kept:
            kept.append(new[flag.option])
    kept += [flag for flag in new.values() if flag not in kept]
    return tuple(word for flag in kept for word in flag.words)


def added(words: Sequence[str], proposed: Sequence[str]) -> tuple[str, ...]:
    """Those of `proposed` whose options `words` do not have."""
    given = options_given(words)
    return tuple(
        word for flag in split_flags(proposed) if flag.option not in given for word in flag.words
    )


def difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """What differs, a line each: `- old` and `+ new`, beside each other where both exist."""
    old = {flag.option: flag for flag in split_flags(before)}
    new = {flag.option: flag for flag in split_flags(after)}
    return tuple(_differences(old, new))


def _differences(old: dict[str, Flag], new: dict[str, Flag]) -> Iterator[str]:
    for option in [*old, *(option for option in new if option not in old)]:
        was, is_now = old.get(option), new.get(option)
        if was and is_now and _same(was, is_now):
            continue
        if was:
            yield f"- {was.text}"
        if is_now:
            yield f"+ {is_now.text}"


def _same(one: Flag, other: Flag) -> bool:
    return _meaning(one) == _meaning(other)


def _meaning(flag: Flag) -> tuple[bool, tuple[str, ...]]:
    _, equals, value = flag.name.partition("=")
    return flag.name.startswith("--no-"), ((value,) if equals else ()) + flag.values
