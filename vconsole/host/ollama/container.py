"""An Ollama in a container: stopped and started by its engine's own command, if that lets us."""

from __future__ import annotations

import subprocess

from vconsole.errors import ExitCode, VConsoleError

# What drives an engine, by the word that it puts into its cgroups; docker's is the usual one.
COMMANDS = {"libpod": "podman", "crio": "crictl", "containerd": "nerdctl", "lxc": "lxc"}
TIMEOUT_S = 60.0
SHORT_ID = 12


def engine_command(word: str) -> str:
    return COMMANDS.get(word.partition(".")[0], "docker")


def by_hand(engine: str, verb: str, container: str) -> str:
    """The same to copy."""
    return f"{engine} {verb} {container[:SHORT_ID]}"


def move(engine: str, verb: str, container: str) -> None:
    """`stop` or `start` it; where the engine is not there or refuses, that is `not_permitted`."""
    try:
        subprocess.run(
            (engine, verb, container),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise VConsoleError(
            f"{engine} did not {verb} the container: {' '.join(said.split())}",
            by_hand(engine, verb, container),
            ExitCode.REFUSED,
            kind="not_permitted",
        ) from error
