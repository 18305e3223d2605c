"""`vconsole engine`: which vLLM is used, and installing one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from vconsole import settings
from vconsole.cli.readonly import require_writable
from vconsole.engine.find import (
    INSTALL_REMEDY,
    Engine,
    current_engine,
    engine_called,
    find_engine,
    installed_engines,
    previous_engine,
)
from vconsole.errors import VConsoleError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def engine() -> None:
    """Find and install the engine: an environment that holds vLLM."""


@engine.command(epilog="Example: vconsole engine status --json")
@AS_JSON
def status(as_json: bool) -> None:
    """Show which vLLM is used; without one, say how to get it (exit code 1)."""
    found = find_engine(settings.load())
    if found is None:
        raise VConsoleError("no vLLM is installed", INSTALL_REMEDY, kind="no-engine")
    _print(_facts(found), as_json, _page(found))


@engine.command("list", epilog="Example: vconsole engine list")
@AS_JSON
def list_engines(as_json: bool) -> None:
    """List vconsole's own engines; the current one is marked."""
    current, previous = current_engine(), previous_engine()
    rows = [
        _facts(one) | {"id": one.path.name, "current": one == current, "previous": one == previous}
        for one in installed_engines()
    ]
    lines = [
        f"{'*' if row['current'] else ' '} {row['id']}{'   (previous)' * row['previous']}"
        for row in rows
    ]
    _print({"engines": rows}, as_json, lines or [f"none; {INSTALL_REMEDY}"])


@engine.command(epilog="Example: vconsole engine use 0.32.0-cpu")
@click.argument("name")
@AS_JSON
def use(name: str, as_json: bool) -> None:
    """Make one of vconsole's own engines the current one.

    A running server keeps the engine that it was started with.
    """
    from vconsole.engine.installing.install import make_current

    chosen = engine_called(name)
    make_current(chosen.path)
    _print(_facts(chosen), as_json, _page(chosen))


@engine.command(epilog="Example: vconsole engine install --cpu --yes")
@click.option("--cpu", "device", flag_value="cpu", help="The build for CPUs.")
@click.option("--cuda", "device", flag_value="cuda", help="The build for NVIDIA cards.")
@click.option("--version", metavar="V", help="This version of vLLM instead of the newest.")
@click.option("--uv", "use_uv", is_flag=True, help="Install with uv instead of venv and pip.")
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python for the environment instead of vconsole's own.",
)
@click.option("--torch-index", metavar="URL", help="An extra package index with torch's wheels.")
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

    It first says what it will do. With a usable NVIDIA driver it takes the CUDA build, otherwise
    the CPU build.
    """
    from vconsole.engine.installing.install import install_engine
    from vconsole.engine.installing.plan import InstallRequest, make_plan
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


@engine.command(epilog="Example: vconsole engine upgrade --version 0.32.0 --yes")
@click.option("--version", metavar="V", help="This version of vLLM instead of the newest.")
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python for the environment instead of vconsole's own.",
)
@click.option("--torch-index", metavar="URL", help="An extra package index with torch's wheels.")
@click.option("--no-trial", is_flag=True, help="Do not try it before it takes over.")
@click.option("--accept-slower", is_flag=True, help="Take it even if it is slower here.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def upgrade(
    version: str | None,
    python: Path | None,
    torch_index: str | None,
    no_trial: bool,
    accept_slower: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Install a newer vLLM beside the current one, try it, and only then make it current.

    A running server keeps the old one until it is restarted.
    """
    from vconsole.cli.reaching import reach_supervisor
    from vconsole.engine.installing.plan import InstallRequest, make_plan
    from vconsole.host.cuda import cuda_facts
    from vconsole.supervisor.upgrading import upgrade as upgrading

    require_writable("engine upgrade")
    old = upgrading.require_own_engine()
    _tell("looking up what can be installed")
    plan = make_plan(InstallRequest(old.device, version, python, False, torch_index), cuda_facts())
    if plan.path == old.path:
        _print(
            {**_facts(old), "changed": False, "steps": []},
            as_json,
            [f"vLLM {old.version} is current already"],
        )
        return
    for line in plan.lines:
        _tell(line)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Upgrade from {old.version}?", default=True, abort=True, err=True)
    new, done = upgrading.carry_out(
        reach_supervisor, plan, _tell, is_tried=not no_trial, accepts_slower=accept_slower
    )
    facts = {"changed": True, "previous": old.path.name, "steps": done.steps}
    before = done.comparison.old if done.comparison else ()
    speeds = {
        "tokens_per_s_before": max(before, default=None),
        "tokens_per_s": done.speed,
        "comparison": done.comparison,
    }
    lines = [*_page(new), f"the way back: vconsole engine rollback   (to {old.version})"]
    for name in upgrading.needs_restart(reach_supervisor().status().servers, new):
        lines.append(f"{name} still runs the old one: vconsole restart --name {name}")
    _print({**_facts(new), **facts, **speeds}, as_json, lines)


@engine.command(epilog="Example: vconsole engine rollback && vconsole restart")
@AS_JSON
def rollback(as_json: bool) -> None:
    """Make the engine before this one current again; a second rollback undoes the first.

    A running server keeps the engine that it was started with.
    """
    from vconsole.supervisor.upgrading.upgrade import roll_back

    require_writable("engine rollback")
    back, left = roll_back()
    _print(_facts(back) | {"left": left.path.name}, as_json, _page(back))


@engine.command(epilog="Example: vconsole engine remove 0.31.0-cpu")
@click.argument("name")
@AS_JSON
def remove(name: str, as_json: bool) -> None:
    """Remove one of vconsole's own engines that is not current, and free its disk space."""
    from vconsole.engine.installing.install import remove_engine

    require_writable("engine remove")
    gone = engine_called(name)
    remove_engine(gone)
    _print(_facts(gone) | {"removed": True}, as_json, [f"removed {gone.path}"])


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
