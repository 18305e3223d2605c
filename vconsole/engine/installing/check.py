"""Whether an installed engine really imports, and for which platform: asked in its own Python."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vconsole import paths
from vconsole.engine.installing.steps import pip_environment
from vconsole.errors import VConsoleError

# A first import from a cold disk reads about a gigabyte.
CHECK_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class CheckedEngine:
    """What vLLM says of itself; `platform` is vLLM's own word, such as `cpu` or `cuda`."""

    version: str
    platform: str
    torch: str


def check_engine(python: Path) -> CheckedEngine:
    """Import vLLM with `python`; one that does not import is a `VConsoleError`."""
    script = paths.resources_dir() / "engine_check.py"
    quiet = pip_environment(VLLM_NO_USAGE_STATS="1", HF_HUB_OFFLINE="1", VLLM_LOGGING_LEVEL="ERROR")
    try:
        answer = subprocess.run(
            [str(python), "-I", str(script)],
            capture_output=True,
            text=True,
            timeout=CHECK_TIMEOUT_S,
            check=False,
            env=quiet,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _broken(python, str(error)) from error
    said = (answer.stdout if answer.returncode == 0 else answer.stderr).strip().splitlines()
    last = said[-1] if said else "it said nothing"
    if answer.returncode != 0:
        raise _broken(python, last)
    facts = json.loads(last)
    return CheckedEngine(facts["version"], facts["platform"], facts["torch"])


def loads(python: Path, module: str) -> bool:
    """Whether `module` can be imported by `python`."""
    command = [str(python), "-I", "-c", f"import torch, {module}"]
    try:
        return (
            subprocess.run(
                command, capture_output=True, timeout=CHECK_TIMEOUT_S, check=False
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


def _broken(python: Path, detail: str) -> VConsoleError:
    return VConsoleError(
        f"vLLM does not import in {python}: {detail}",
        f"see all of it: {python} -c 'import vllm'",
    )
