"""Keys never stand in a command line, which every user of the machine can read.

What a user gives as a flag is moved into the environment variable that vLLM reads it from.
"""

from __future__ import annotations

SECRET_FLAGS = {"--api-key": "VLLM_API_KEY", "--hf-token": "HF_TOKEN"}


def without_secrets(flags: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The flags without keys, and the variables that carry those instead."""
    kept: list[str] = []
    environment: dict[str, str] = {}
    rest = iter(flags)
    for flag in rest:
        name, equals, value = flag.partition("=")
        variable = SECRET_FLAGS.get(name.replace("_", "-"))
        if variable is None:
            kept.append(flag)
        else:
            environment[variable] = value if equals else next(rest, "")
    return tuple(kept), environment
