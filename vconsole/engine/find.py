"""Which vLLM is used: the first of VCONSOLE_ENGINE, settings, data folder, this environment, PATH.

A place that is named but wrong is an error, never skipped. Nothing of vLLM is imported or run.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vconsole import paths
from vconsole.engine import environment
from vconsole.engine.environment import FlashInferVersions
from vconsole.errors import ExitCode, VConsoleError
from vconsole.settings import Settings

VARIABLE = "VCONSOLE_ENGINE"
CURRENT = "current"
PREVIOUS = "previous"
INSTALLING = ".installing"
INSTALL_REMEDY = "install one: vconsole engine install"
# pip starts a script through /bin/sh where the Python's path is too long for a shebang.
SHEBANG = re.compile(r"#!(?:/bin/sh\n'''exec' )?\"?(?P<python>/[^\"\n]*?/python[\d.]*)[\"\s]")


@dataclass(frozen=True, slots=True)
class Engine:
    """An installed vLLM; `path` is its environment's folder, `source` the place that named it."""

    python: Path
    version: str
    device: str
    path: Path
    source: str
    script: Path | None = None
    flashinfer: FlashInferVersions = field(default_factory=FlashInferVersions)

    def serve_command(self, model: str) -> tuple[str, ...]:
        """The command that serves `model`, to which flags are appended.

        Without metadata under the name `vllm` the `vllm` script fails and the module is run.
        """
        if self.script is not None:
            return (str(self.script), "serve", model)
        return (str(self.python), "-m", "vllm.entrypoints.openai.api_server", "--model", model)


def require_engine(settings: Settings) -> Engine:
    """The engine to use; without one a `VConsoleError` that says how to get it."""
    engine = find_engine(settings)
    if engine is None:
        raise VConsoleError("no vLLM is installed", INSTALL_REMEDY, kind="no-engine")
    return engine


def find_engine(settings: Settings) -> Engine | None:
    """The engine to use, or None; a wrong VCONSOLE_ENGINE or setting is a `VConsoleError`."""
    named = os.environ.get(VARIABLE)
    if named:
        return _named_engine(named, VARIABLE)
    if settings.engine.python:
        return _named_engine(settings.engine.python, "settings")
    return current_engine() or _engine_here() or _engine_on_path()


def current_engine() -> Engine | None:
    """The data folder's engine that `current` points at, under its own name."""
    return _linked_engine(CURRENT)


def previous_engine() -> Engine | None:
    """The engine that was current before this one, which a rollback goes back to."""
    return _linked_engine(PREVIOUS)


def engine_called(name: str) -> Engine:
    """vconsole's own engine of that folder's name, such as `0.32.0-cpu`."""
    folder = paths.engines_dir() / name
    chosen = installed_engine(folder) if folder.parent == paths.engines_dir() else None
    if chosen is None or folder.is_symlink():
        raise VConsoleError(
            f"there is no engine {name}", "see them: vconsole engine list", ExitCode.USAGE
        )
    return chosen


def installed_engines() -> Iterator[Engine]:
    """Every finished engine of the data folder, in the order of their names."""
    for folder in sorted(paths.engines_dir().glob("[!.]*")):
        engine = None if folder.is_symlink() else installed_engine(folder)
        if engine is not None:
            yield engine


def installed_engine(folder: Path) -> Engine | None:
    """The engine in a folder of ours; None where its installation was never finished."""
    if (folder / INSTALLING).exists():
        return None
    return engine_of(folder / "bin" / "python", "data folder")


def engine_of(python: Path, source: str, folders: tuple[Path, ...] | None = None) -> Engine | None:
    """The engine that `python` can import, or None; `folders` spares asking for them."""
    if not os.access(python, os.X_OK):
        return None
    installed = environment.distributions(folders or environment.site_folders(python))
    version = environment.vllm_version(installed)
    if version is None:
        return None
    script = python.parent / "vllm"
    return Engine(
        python=python,
        version=version,
        device=environment.device_of(installed),
        path=environment.root_of(python),
        source=source,
        script=script if "vllm" in installed and os.access(script, os.X_OK) else None,
        flashinfer=environment.flashinfer_versions(installed),
    )


def _linked_engine(name: str) -> Engine | None:
    link = paths.engines_dir() / name
    try:
        folder = link.parent / link.readlink()
    except OSError:
        return None
    return installed_engine(folder)


def _named_engine(named: str, source: str) -> Engine:
    # Not resolved: a venv's Python is a symlink, and following it leaves the venv.
    place = Path(os.path.abspath(os.path.expanduser(named)))
    python = environment.python_of(place)
    where = f"{source} names {place}"
    remedy = (
        "name a Python executable or an environment's folder that holds vLLM, "
        f"or name none and use one of vconsole's own: vconsole engine install ({source})"
    )
    if not python.exists():
        missing = "does not exist" if python == place else "has no bin/python"
        raise VConsoleError(f"{where}, which {missing}", remedy, ExitCode.USAGE)
    if not python.is_file() or not os.access(python, os.X_OK):
        raise VConsoleError(f"{where}, which is not an executable", remedy, ExitCode.USAGE)
    engine = None
    if not (environment.root_of(python) / INSTALLING).exists():
        engine = engine_of(python, source)
    if engine is None:
        raise VConsoleError(f"{where}, which holds no vLLM", remedy, ExitCode.USAGE)
    return engine


def _engine_here() -> Engine | None:
    folders = tuple(Path(entry) for entry in sys.path if entry)
    return engine_of(Path(sys.executable), "this environment", folders)


def _engine_on_path() -> Engine | None:
    script = shutil.which("vllm")
    python = _python_of_script(Path(script)) if script else None
    return engine_of(python, "PATH") if python else None


def _python_of_script(script: Path) -> Path | None:
    try:
        with script.open("rb") as file:
            head = file.read(1024).decode("utf-8", "replace")
    except OSError:
        return None
    match = SHEBANG.match(head)
    return Path(match["python"]) if match else None
