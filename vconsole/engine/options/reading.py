"""Reading an engine's options: from the cache, or from vLLM's own parser in its own Python.

The parser takes some five seconds, so what it said is kept for each engine and version.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.engine.find import Engine
from vconsole.engine.installing.steps import pip_environment
from vconsole.engine.options.option import EngineOption, EngineOptions
from vconsole.errors import VConsoleError

# A first import from a cold disk reads about a gigabyte.
READING_TIMEOUT_S = 300


def cached_options(engine: Engine) -> EngineOptions | None:
    """What was read of this engine before; None where nothing was, or it can no longer be read."""
    try:
        text = cache_path(engine).read_bytes()
        options = msgspec.json.decode(text, type=tuple[EngineOption, ...])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return EngineOptions(engine.version, options)


def engine_options(engine: Engine) -> EngineOptions:
    """The options of this engine, asked for where they are not known yet."""
    return cached_options(engine) or _keep(engine, _ask(engine))


def cache_path(engine: Engine) -> Path:
    """One file for each environment and version; another installation in its place is another."""
    try:
        stamp = str((engine.path / "pyvenv.cfg").stat().st_mtime_ns)
    except OSError:
        stamp = ""
    key = f"{engine.python}\n{engine.version}\n{engine.device}\n{stamp}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return paths.cache_dir() / "options" / f"{engine.version}-{digest}.json"


def _ask(engine: Engine) -> tuple[EngineOption, ...]:
    script = paths.resources_dir() / "engine_options.py"
    quiet = pip_environment(VLLM_NO_USAGE_STATS="1", HF_HUB_OFFLINE="1", VLLM_LOGGING_LEVEL="ERROR")
    try:
        answer = subprocess.run(
            [str(engine.python), "-I", str(script)],
            capture_output=True,
            text=True,
            timeout=READING_TIMEOUT_S,
            check=False,
            env=quiet,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unreadable(engine, str(error)) from error
    said = answer.stdout.strip().splitlines()
    if answer.returncode != 0 or not said:
        errors = answer.stderr.strip().splitlines()
        raise _unreadable(engine, errors[-1] if errors else "it said nothing")
    try:
        return msgspec.json.decode(said[-1], type=tuple[EngineOption, ...])
    except msgspec.DecodeError as error:
        raise _unreadable(engine, str(error)) from error


def _keep(engine: Engine, options: tuple[EngineOption, ...]) -> EngineOptions:
    """Keep what was read; where it cannot be kept it is asked for again next time."""
    path = cache_path(engine)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.encode(options))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
    return EngineOptions(engine.version, options)


def _unreadable(engine: Engine, why: str) -> VConsoleError:
    return VConsoleError(
        f"the options of vLLM {engine.version} cannot be read: {why}",
        f"see whether it starts at all: {engine.python} -c 'import vllm'",
    )
