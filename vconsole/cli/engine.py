"""`vconsole engine`: which vLLM is used, and installing one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from vconsole import paths, settings
from vconsole.engine.find import (
    INSTALL_REMEDY,
    Engine,
    current_engine,
    find_engine,
    installed_engine,
    installed_engines,
)
from vconsole.errors import ExitCode, VConsoleError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def engine() -> None:
    """Find and install the engine: an environment that holds vLLM."""


@engine.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Tell which vLLM is used.

    Without one it says how to get it and ends with 1.

    Example: vconsole engine status --json
    """
    found = find_engine(settings.load())
    if found is None:
        raise VConsoleError("no vLLM is installed", INSTALL_REMEDY, kind="no-engine")
    _print(_facts(found), as_json, _page(found))


@engine.command("list")
@AS_JSON
def list_engines(as_json: bool) -> None:
    """List vconsole's own engines; the current one is marked.

    Example: vconsole engine list
    """
    current = current_engine()
    rows = [
        _facts(one) | {"id": one.path.name, "current": current is not None and one == current}
        for one in installed_engines()
    ]
    lines = [f"{'*' if row['current'] else ' '} {row['id']}" for row in rows]
    _print({"engines": rows}, as_json, lines or [f"none; {INSTALL_REMEDY}"])


@engine.command()
@click.argument("name")
@AS_JSON
def use(name: str, as_json: bool) -> None:
    """Make one of vconsole's own engines the current one.

    A running server keeps the engine that it was started with.

    Example: vconsole engine use 0.32.0-cpu
    """
    from vconsole.engine.install import make_current

    folder = paths.engines_dir() / name
    chosen = installed_engine(folder) if folder.parent == paths.engines_dir() else None
    if chosen is None or folder.is_symlink():
        raise VConsoleError(
            f"there is no engine {name}", "see them: vconsole engine list", ExitCode.USAGE
        )
    make_current(folder)
    _print(_facts(chosen), as_json, _page(chosen))


@engine.command()
@click.option("--cpu", "device", flag_value="cpu", help="The build for processors.")
@click.option("--cuda", "device", flag_value="cuda", help="The build for NVIDIA cards.")
@click.option("--version", metavar="V", help="This version of vLLM; the newest unless named.")
@click.option("--uv", "use_uv", is_flag=True, help="Install with uv instead of venv and pip.")
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python for the environment; vconsole's own unless named.",
)
@click.option("--torch-index", metavar="URL", help="A further package index, with torch's wheels.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def install(
    device: str | None,
    version: str | None,
    use_uv: bool,
    python: Path | None,
    torch_index: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Install vLLM into an environment of its own.

    It first says what it will do. Where a usable NVIDIA driver is, it takes the CUDA build,
    elsewhere the CPU build.

    Example: vconsole engine install --cpu --yes
    """
    from vconsole.engine.install import install_engine
    from vconsole.engine.plan import InstallRequest, make_plan
    from vconsole.host.cuda import cuda_facts

    _tell("looking up what can be installed")
    plan = make_plan(InstallRequest(device, version, python, use_uv, torch_index), cuda_facts())
    for line in plan.lines:
        _tell(line)
    if not yes and sys.stdin.isatty():
        click.confirm("Install?", default=True, abort=True, err=True)
    started = time.monotonic()
    made = install_engine(plan, _tell)
    seconds = round(time.monotonic() - started, 1)
    _print(
        _facts(made) | {"seconds": seconds}, as_json, [*_page(made), f"installed in {seconds} s"]
    )


def _facts(found: Engine) -> dict[str, Any]:
    return {
        "version": found.version,
        "device": found.device,
        "python": str(found.python),
        "path": str(found.path),
        "source": found.source,
        "flashinfer": found.flashinfer,
    }


def _page(found: Engine) -> list[str]:
    flashinfer = found.flashinfer
    return [
        f"vLLM        {found.version} ({found.device})",
        f"found in    {found.source}",
        f"path        {found.path}",
        f"python      {found.python}",
        f"FlashInfer  python {flashinfer.python or '—'}, cubin {flashinfer.cubin or '—'}, "
        f"jit-cache {flashinfer.jit_cache or '—'}",
    ]


def _print(facts: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    click.echo(msgspec.json.encode(facts).decode() if as_json else "\n".join(lines))


def _tell(line: str) -> None:
    click.echo(line, err=True)
