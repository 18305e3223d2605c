"""The fields of a form that are the profile's own, beside vLLM's flags: as text, and back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vconsole.engine.log.redact import SECRET_NAME
from vconsole.engine.options.option import EngineOption
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profiles import Profile


def _own(name: str, text: str, kind: str = "text", default: str | None = None) -> EngineOption:
    return EngineOption((name,), kind, default=default, help=text, group="Profile")


OWN = (
    _own("model", "A folder, OWNER/NAME of the Hub, or demo."),
    _own("served-name", "What clients call the model."),
    _own("port", "The port to listen on.", "int"),
    _own("devices", "The cards to use, as CUDA_VISIBLE_DEVICES: 0,1"),
    _own(
        "env", "Variables of the server: NAME=VALUE, separated by spaces. Keys have no place here."
    ),
    _own(
        "fallback",
        "What to serve where memory does not suffice, in that order: exact repositories, separated "
        "by spaces. Pull them beforehand.",
        "list",
    ),
    _own(
        "plan", "Whether the plan may add flags that make the best of the card.", "switch", "true"
    ),
    _own(
        "holds-requests",
        "Whether requests that arrive during a swap wait for it instead of being refused.",
        "switch",
        "false",
    ),
)
OWN_NAMES = frozenset(option.name for option in OWN)


def text_of(profile: Profile, name: str) -> str | None:
    """What the field shows; None where the profile says nothing of its own."""
    value = _value(profile, name)
    if value == _value(Profile(""), name):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return shlex.join(f"{each}={said}" for each, said in value.items())
    return shlex.join(value) if isinstance(value, tuple) else str(value)


def with_text(profile: Profile, name: str, text: str) -> Profile:
    """The profile with what was typed; an empty text takes it back.

    A VConsoleError where it cannot be meant; the profile needs a model, so that one stays.
    """
    text = text.strip()
    if not text:
        value = _value(profile if name == "model" else Profile(""), name)
    elif name == "env":
        value = dict(_variable(word) for word in _words(text))
    elif name == "fallback":
        value = tuple(_words(text))
    elif name == "port":
        value = _port(text)
    elif name in ("plan", "holds-requests"):
        value = text.lower() == "true"
    else:
        value = text
    changes: Mapping[str, Any] = {name.replace("-", "_"): value}
    return replace(profile, **changes)


def _value(profile: Profile, name: str) -> Any:
    return getattr(profile, name.replace("-", "_"))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise _refused(f"{text!r} cannot be read: {error}", "close the quotes") from error


def _variable(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise _refused(f"{word!r} is no variable", "write NAME=VALUE, quoted where it has spaces")
    if SECRET_NAME.search(name):
        raise _refused(f"{name} looks like a key", "export it before the start: profiles hold none")
    return name, value


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise _refused(f"{text!r} is no port", "a number from 1 to 65535")
    return int(text)


def _refused(what: str, remedy: str) -> VConsoleError:
    return VConsoleError(what, remedy, ExitCode.USAGE)
