"""Between vLLM's flags on a command line and the table of a profile: there and back again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from vconsole.engine.command.flags import Flag, split_flags
from vconsole.models.profiles import FlagValue


def table_of(words: Sequence[str]) -> dict[str, FlagValue]:
    """The flags as a profile keeps them: names without dashes, values as TOML has them."""
    return {flag.option.removeprefix("--"): _value(flag) for flag in split_flags(words)}


def value_of(text: str, kind: str) -> FlagValue:
    """What a person typed for an option of this `kind`, as a profile keeps it."""
    text = text.strip()
    if kind == "switch":
        return text.lower() not in ("false", "no", "off", "0")
    if kind == "list":
        return [_scalar(word) for word in text.split()]
    return _scalar(text)


def shown(value: FlagValue) -> str:
    """A value as a field shows it, and takes it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def difference_of(
    before: Mapping[str, FlagValue], after: Mapping[str, FlagValue]
) -> tuple[str, ...]:
    """What differs between two tables, a line each: `- name = old`, `+ name = new`."""
    rows: list[str] = []
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            rows += [f"- {name} = {shown(before[name])}"] if name in before else []
            rows += [f"+ {name} = {shown(after[name])}"] if name in after else []
    return tuple(rows)


def _value(flag: Flag) -> FlagValue:
    _, equals, behind = flag.name.partition("=")
    values = ((behind,) if equals else ()) + flag.values
    if flag.name.startswith("-O") and len(flag.name) > 2 and not values:
        return _scalar(flag.name[2:])
    if not values:
        return not flag.name.startswith("--no-")
    return _scalar(values[0]) if len(values) == 1 else [_scalar(value) for value in values]


def _scalar(text: str) -> str | int | float | dict[str, object]:
    """A number or a JSON object where the text is nothing else, else the text."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        # `1e3` or `007` mean something to whoever wrote them so.
        return number if str(number) == text else text
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            return text
        return found if isinstance(found, dict) else text
    return text
