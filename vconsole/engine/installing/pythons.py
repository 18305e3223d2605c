"""Whether a Python can hold an engine: its version, and whether it can make environments."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError

# vLLM's wheels exist for these; a newer Python may work and is refused until it was tried.
OLDEST = (3, 10)
NEWEST = (3, 13)
ASKING_TIMEOUT_S = 20
QUESTION = """
import importlib.util, json, sys
makes = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print(json.dumps({"version": sys.version_info[:3], "makes_environments": makes}))
"""


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """A Python that was asked: `version` is (major, minor, micro)."""

    path: Path
    version: tuple[int, int, int]
    makes_environments: bool

    @property
    def words(self) -> str:
        return ".".join(str(part) for part in self.version)


def inspect_python(python: Path) -> PythonFacts:
    """Ask `python` what it is; one that does not answer is a usage error."""
    try:
        answer = subprocess.run(
            [str(python), "-I", "-c", QUESTION],
            capture_output=True,
            text=True,
            timeout=ASKING_TIMEOUT_S,
            check=True,
        )
        facts = json.loads(answer.stdout)
        major, minor, micro = facts["version"]
        makes = bool(facts["makes_environments"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise VConsoleError(
            f"{python} does not answer as a Python 3 does",
            "name another one: vconsole engine install --python /usr/bin/python3",
            ExitCode.USAGE,
        ) from error
    return PythonFacts(python, (major, minor, micro), makes)


def require_suitable(python: PythonFacts, use_uv: bool) -> None:
    """Refuse a Python that vLLM has no wheels for, or that lacks the venv module."""
    if not OLDEST <= python.version[:2] <= NEWEST:
        raise VConsoleError(
            f"vLLM needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; {python.path} is {python.words}",
            "name a suitable one: vconsole engine install --python PATH",
        )
    if not python.makes_environments and not use_uv:
        raise VConsoleError(
            f"{python.path} cannot make environments: its venv module is missing",
            "on Debian and Ubuntu: sudo apt install python3-venv "
            f"(or python{python.version[0]}.{python.version[1]}-venv)",
        )
