"""A profile's fallbacks on the command line: offered, named, judged, and what to pull for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from vconsole.cli.options import json_output
from vconsole.cli.output import gib, print_json, say
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode, VConsoleError

if TYPE_CHECKING:
    from vconsole.supervisor.models.fallbacks import Fallback


@click.command(epilog="Example: vconsole profile fallback nightly Qwen/Qwen3-8B-AWQ")
@click.argument("name")
@click.argument("models", nargs=-1)
@click.option("--choose", is_flag=True, help="Take the chain that the planner suggests.")
@click.option("--clear", is_flag=True, help="Remove the fallbacks.")
@json_output
def fallback(name: str, models: tuple[str, ...], choose: bool, clear: bool, as_json: bool) -> None:
    """What profile NAME falls back to when there is not enough memory for it.

    MODELS are taken in that order. Without them its fallbacks are judged for this host's card;
    where it has none, a chain of the catalogue that fits is offered, and --choose takes it.
    """
    from vconsole.models.profile_file import require_profile, save_profile
    from vconsole.supervisor.models.fallbacks import judged, offered

    known = require_profile(name)
    is_offer = not models and not clear and (choose or not known.fallback)
    chain = offered(known) if is_offer else judged(models or known.fallback)
    if models or choose or clear:
        require_writable("profile fallback")
        _require_fitting(chain if models else ())
        names = () if clear else tuple(one.model for one in chain)
        save_profile(name, replace(known, fallback=names))
    if as_json:
        print_json({"name": name, "offered": is_offer and not choose, "fallback": as_data(chain)})
        return
    for line in lines(chain if not clear else ()):
        click.echo(line)
    if is_offer and chain and not choose:
        say(f"offered, not taken: vconsole profile fallback {name} --choose")


def as_data(chain: Sequence[Fallback]) -> list[dict[str, Any]]:
    return [
        {
            "model": one.model,
            "verdict": str(one.verdict),
            "on_disk": one.is_on_disk,
            "gated": one.gated,
            "weights_bytes": one.weights_bytes,
            "why": one.why,
            "pull": one.pull_command,
        }
        for one in chain
    ]


def lines(chain: Sequence[Fallback]) -> Iterator[str]:
    """A line a step; below it what to pull beforehand, or why it does not fit."""
    if not chain:
        yield "nothing to fall back to"
    for number, one in enumerate(chain, 1):
        size = f", {gib(one.weights_bytes)} of weights" if one.weights_bytes else ""
        gated = ", gated" if one.gated else ""
        yield f"{number}  {one.model}  {one.verdict}{size}{gated}"
        if one.why and one.verdict != "fits":
            yield f"   {one.why}"
        if one.pull_command:
            yield f"   not on this disk: {one.pull_command}"


def _require_fitting(chain: Sequence[Fallback]) -> None:
    """A fallback that does not fit is none; what cannot be judged is taken."""
    for one in chain:
        if one.verdict == "too big":
            raise VConsoleError(
                f"{one.model} does not fit this card: {one.why}",
                "name a smaller one; `vconsole models list --fitting` shows which fit",
                ExitCode.REFUSED,
                kind="too_big",
            )
