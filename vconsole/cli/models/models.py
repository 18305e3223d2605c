"""models: what could be served here and how it would fit; pulled from the Hub, and removed."""

from __future__ import annotations

import os

import click

from vconsole.cli.models.models_table import print_found, print_table
from vconsole.cli.options import json_output
from vconsole.cli.output import print_json, say
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode, VConsoleError


@click.group(
    invoke_without_command=True,
    epilog="Example: vconsole models list --gpu 'RTX 4080' 7b",
)
@click.pass_context
def models(ctx: click.Context) -> None:
    """What could be served here: the catalogue, the cache, folders and the demo models."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@models.command("list")
@click.argument("words", nargs=-1)
@click.option("--gpu", metavar="NAME", help="Plan for this card, such as 'RTX 4080' or H100.")
@click.option(
    "--gpu-memory",
    type=click.FloatRange(min=0.5),
    metavar="GIB",
    help="Plan for a card of this size.",
)
@click.option("--local", is_flag=True, help="Only what is on this machine.")
@click.option("--fitting", is_flag=True, help="Only what fits or may fit.")
@json_output
def list_(
    words: tuple[str, ...] = (),
    gpu: str | None = None,
    gpu_memory: float | None = None,
    local: bool = False,
    fitting: bool = False,
    as_json: bool = False,
) -> None:
    """List models with a verdict for the card; only those whose names contain all WORDS."""
    from vconsole.models.fit.ledger_file import read_by_model
    from vconsole.models.fit.plan import Verdict
    from vconsole.models.listing import list_models
    from vconsole.supervisor.models.cards import named_card

    target = named_card(gpu, gpu_memory)
    listing = list_models(target.card, target.bandwidth_bytes_per_s, read_by_model())
    rows = [row for row in listing.rows if all(w.lower() in row.name.lower() for w in words)]
    rows = [row for row in rows if not local or row.path is not None or row.incomplete]
    rows = [row for row in rows if not fitting or row.verdict in (Verdict.FITS, Verdict.TIGHT)]
    for fault in listing.faults:
        say(f"warning: {fault}")
    if as_json:
        print_json({"models": [_as_data(row) for row in rows], "card": target.card})
    else:
        print_table(rows, target)


@models.command()
@click.argument("words", nargs=-1, required=True)
@click.option("-n", "limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_output
def search(words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Search the Hub by name, most downloaded first."""
    from vconsole.models.hub.remote import search as search_hub
    from vconsole.models.listing import list_models

    known = {row.name: row for row in list_models(None).rows}
    found = search_hub(" ".join(words), limit)
    if as_json:
        data = [_found_data(one, known.get(one.name)) for one in found]
        print_json({"models": data})
    else:
        print_found(found, known)


@models.command()
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--no-wait", is_flag=True, help="Return as soon as it is under way.")
@click.option("--anyway", is_flag=True, help="Even if it does not fit this machine.")
@json_output
def pull(repository: str, no_wait: bool, anyway: bool, as_json: bool) -> None:
    """Download a model into the Hugging Face cache; an earlier pull is continued.

    It runs by itself: leaving this command or the terminal does not end it.
    """
    require_writable("models pull")
    from vconsole.cli.models.pulling import pull_model

    print_result = pull_model(repository, wait=not no_wait, anyway=anyway)
    if as_json:
        print_json(print_result)


@models.command()
@json_output
def pulls(as_json: bool) -> None:
    """List the pulls that are under way or ended a few minutes ago."""
    from vconsole.cli.models.pulling import pull_line
    from vconsole.supervisor.autostart import running_supervisor

    client = running_supervisor()
    found = client.pulls() if client else ()
    if as_json:
        print_json({"pulls": found})
        return
    if not found:
        say("no pulls: `vconsole models pull OWNER/NAME` begins one")
    for one in found:
        click.echo(f"{one.id}  {one.state:<8} {one.subject}  {pull_line(one)}")


@models.command()
@click.argument("id")
@json_output
def cancel(id: str, as_json: bool) -> None:
    """Cancel a pull; what has arrived is kept, and a later pull continues from there."""
    require_writable("models cancel")
    from vconsole.cli.reaching import reach_supervisor

    operation = reach_supervisor().cancel_pull(id)
    if as_json:
        print_json({"id": operation.id, "repository": operation.subject})
    else:
        say(f"the pull of {operation.subject} ends; what has arrived is kept")


@models.command()
@click.argument("name", metavar="OWNER/NAME")
@click.option("--dry-run", is_flag=True, help="Say what it would free, and do nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_output
def rm(name: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove a model from the Hugging Face cache; refused while a server serves it."""
    require_writable("models rm")
    from vconsole.cli.reaching import reach_supervisor
    from vconsole.models.hub.cache import cache_folder
    from vconsole.supervisor.model import RemoveRequest

    client, cache = reach_supervisor(), str(cache_folder().absolute())
    planned = client.remove_model(RemoveRequest(name, cache, dry_run=True))
    freed = f"{planned.freed_bytes / 1e9:.1f} GB"
    if not dry_run:
        if not yes:
            _ask(f"remove {name} ({planned.path}), which frees {freed}?")
        planned = client.remove_model(RemoveRequest(name, cache))
    if as_json:
        print_json(planned)
    else:
        say(f"{'would free' if dry_run else 'freed'} {freed}: {planned.path}")


@models.command()
@click.argument("names", nargs=-1, metavar="[OWNER/NAME]...")
@json_output
def refresh(names: tuple[str, ...], as_json: bool) -> None:
    """Ask the Hub about what the catalogue does not know; its own entries stay as they are."""
    require_writable("models refresh")
    from vconsole.cli.models.refreshing import refresh_catalogue

    outcome = refresh_catalogue(names)
    if as_json:
        print_json(outcome)


def _ask(question: str) -> None:
    if not os.isatty(0):
        raise VConsoleError(
            "this needs a yes, and there is no terminal to ask at", "add --yes", ExitCode.USAGE
        )
    click.confirm(question, abort=True, err=True)


def _as_data(row: object) -> dict[str, object]:
    import msgspec

    data: dict[str, object] = msgspec.to_builtins(row)
    plan = data.pop("plan", None)
    data.pop("measured", None)
    flags = plan.get("flags", ()) if isinstance(plan, dict) else ()
    why = plan.get("why", ()) if isinstance(plan, dict) else ()
    return data | {"flags": flags, "why": why}


def _found_data(found: object, row: object) -> dict[str, object]:
    import msgspec

    data: dict[str, object] = msgspec.to_builtins(found)
    known: dict[str, object] = msgspec.to_builtins(row) if row else {}
    bare = {"source": "hub", "path": None, "bytes": None, "verdict": "unknown"}
    kept = {key: known.get(key, value) for key, value in bare.items()}
    return data | kept | {"kv_cache_tokens": known.get("kv_cache_tokens")}
