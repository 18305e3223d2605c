"""Keys never stand in a command line, which every user of the machine can read.

What a user gives as a flag is moved into the environment variable that vLLM reads it from; what a
server of somebody else's was given is hidden where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

SECRET_FLAGS = {"--api-key": "VLLM_API_KEY", "--hf-token": "HF_TOKEN"}
TAKE_SEVERAL = frozenset({"--api-key"})
HIDDEN = "***"


def redacted(argv: Sequence[str]) -> tuple[str, ...]:
    """The command line as it may be shown."""
    shown = []
    for word, secret_of, is_value in _marked(argv):
        if secret_of is None or not is_value:
            shown.append(word)
        else:
            shown.append(f"{secret_of}={HIDDEN}" if word.startswith("--") else HIDDEN)
    return tuple(shown)


def without_secrets(argv: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command line without its secrets, and the variables that stand for them.

    vLLM takes several API keys as flags and one as a variable: the first is kept.
    """
    kept, variables = [], dict[str, str]()
    for word, secret_of, is_value in _marked(argv):
        if secret_of is None:
            kept.append(word)
        elif is_value:
            value = word.partition("=")[2] if word.startswith("--") else word
            variables.setdefault(SECRET_FLAGS[secret_of], value)
    return tuple(kept), variables


def _marked(argv: Sequence[str]) -> Iterator[tuple[str, str | None, bool]]:
    """Each word, the secret flag that it belongs to, and whether it holds that flag's value."""
    current: str | None = None
    for word in argv:
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            current = _normal(name) if _normal(name) in SECRET_FLAGS else None
            yield word, current, bool(equals)
        else:
            yield word, current, current is not None
            current = current if current in TAKE_SEVERAL else None


def _normal(name: str) -> str:
    return name.replace("_", "-")
