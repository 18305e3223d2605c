"""What pip would take from the user's own index and local wheels, asked without installing.

A throw-away environment of the engine's Python asks, so that wheel tags and settings are right.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from vconsole.engine.installing.pythons import PythonFacts
from vconsole.engine.installing.steps import pip_environment
from vconsole.errors import VConsoleError

LOOKING_TIMEOUT_S = 300
UNREACHABLE_MARKS = ("Retrying (", "Could not fetch URL", "Max retries exceeded", "Read timed out")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A distribution that pip would take; `local_file` is set where nothing has to be fetched."""

    name: str
    version: str
    requires: tuple[str, ...]
    local_file: Path | None = None


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """The packages that `python`, a throw-away environment's, can have."""

    python: Path
    extra_index: str | None = None

    def look_up(self, requirement: str) -> Candidate | None:
        """The candidate for `requirement`, or None where there is none."""
        command = [str(self.python), "-I", "-m", "pip", "install", "--dry-run", "--no-deps"]
        command += ["--ignore-installed", "--quiet", "--retries", "1", "--report", "-"]
        if self.extra_index:
            command += ["--extra-index-url", self.extra_index]
        try:
            answer = subprocess.run(
                [*command, requirement],
                capture_output=True,
                text=True,
                timeout=LOOKING_TIMEOUT_S,
                check=False,
                env=pip_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise _unreachable("no answer in five minutes") from error
        if answer.returncode == 0:
            return _candidate(answer.stdout)
        if any(mark in answer.stderr for mark in UNREACHABLE_MARKS):
            raise _unreachable(_last_line(answer.stderr))
        if "No matching distribution found" in answer.stderr:
            return None
        raise VConsoleError(
            f"pip cannot look up {requirement}: {_last_line(answer.stderr)}",
            "see the settings that pip uses: pip config debug",
        )


@contextmanager
def opened_index(
    python: PythonFacts, uv: Path | None = None, extra_index: str | None = None
) -> Iterator[PackageIndex]:
    """The index as `python` sees it, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="vconsole-look-up-") as folder:
        command = [str(python.path), "-I", "-m", "venv", folder]
        if uv is not None:
            command = [str(uv), "venv", "--seed", "--quiet", "--allow-existing"]
            command += ["--python", str(python.path), folder]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            said = _last_line(made.stdout + made.stderr)
            raise VConsoleError(
                f"{python.path} cannot make an environment: {said}",
                "on Debian and Ubuntu: sudo apt install python3-venv",
            )
        yield PackageIndex(Path(folder) / "bin" / "python", extra_index)


def _candidate(report: str) -> Candidate | None:
    entries = json.loads(report)["install"]
    if not entries:
        return None
    metadata = entries[0]["metadata"]
    place = urlparse(entries[0]["download_info"]["url"])
    return Candidate(
        name=metadata["name"],
        version=metadata["version"],
        requires=tuple(metadata.get("requires_dist", ())),
        local_file=Path(unquote(place.path)) if place.scheme == "file" else None,
    )


def _unreachable(detail: str) -> VConsoleError:
    return VConsoleError(
        f"pip cannot reach its package index: {detail}",
        "check the network and the settings that pip uses: pip config debug",
    )


def _last_line(text: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in text.strip().splitlines()]
    return lines[-1] if lines else "it said nothing"
