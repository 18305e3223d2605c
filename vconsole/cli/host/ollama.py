"""ollama: what it holds here, the ladder that sends it away, and restore."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from vconsole.cli.options import json_output
from vconsole.cli.output import duration, gib, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode
from vconsole.supervisor.model import Step
from vconsole.supervisor.ollama.model import OllamaReport


@click.group(epilog="Example: vconsole ollama unload && vconsole start MODEL")
def ollama() -> None:
    """Ollama beside vLLM: what it holds, and how to make it give way, mildest verb first."""


@ollama.command()
@json_output
def status(as_json: bool) -> None:
    """Show what runs, who runs it, and what it holds; changes nothing."""
    _show(reach_supervisor().ollama(), as_json)


@ollama.command()
@json_output
def unload(as_json: bool) -> None:
    """Free its memory; the daemon stays, and loads a model again at the next request."""
    _change("unload", as_json)


@ollama.command()
@json_output
def stop(as_json: bool) -> None:
    """Stop its unit until the next boot."""
    _change("stop", as_json)


@ollama.command()
@json_output
def disable(as_json: bool) -> None:
    """Stop it and keep it from starting at boot; Ollama's installer would undo that."""
    _change("disable", as_json)


@ollama.command()
@json_output
def block(as_json: bool) -> None:
    """Stop it and keep it from starting until `restore`, whatever an installer does."""
    _change("block", as_json)


@ollama.command()
@click.option("--pid", type=click.IntRange(min=1), help="The process; `status` shows it.")
@json_output
def end(pid: int | None, as_json: bool) -> None:
    """End an Ollama that no systemd unit runs, by its pid."""
    _change("end", as_json, pid)


@ollama.command()
@json_output
def equivalents(as_json: bool) -> None:
    """List which repository vLLM would serve in place of each of Ollama's models."""
    from vconsole.host.ollama.store import stored_models
    from vconsole.models.catalogue import load_catalogue
    from vconsole.supervisor.ollama.equivalents import equivalents as look

    found = look(stored_models(), load_catalogue())
    if as_json:
        print_json({"models": found})
        return
    if not found:
        say("Ollama has no models here, or its store cannot be read and it does not answer.")
    for one in found:
        click.echo(f"{one.name:<28}{one.repository or 'unknown':<44}{one.confidence}: {one.why}")
        if one.others:
            click.echo(f"{'':<28}packed smaller: {', '.join(one.others[:3])}")
    known = next((one.repository for one in found if one.repository), None)
    if known:
        say(f"What it would give here: vconsole fit {known}")


@ollama.command()
@json_output
def restore(as_json: bool) -> None:
    """Undo all of it: unblock, enable and start Ollama, and load its models again."""
    _change("restore", as_json)


def _change(verb: str, as_json: bool, pid: int | None = None) -> None:
    require_writable(f"ollama {verb}")
    report = reach_supervisor().change_ollama(verb, pid)
    for step in report.steps:
        say(_step_line(step))
    refused = [step for step in report.steps if not step.ok]
    _show(report, as_json)
    if refused:
        say("Run that command; `vconsole ollama status` and the console notice by themselves.")
        sys.exit(ExitCode.REFUSED)


def _step_line(step: Step) -> str:
    if step.ok:
        more = f"   {step.detail}" if step.detail else ""
        return f"  ✓ {step.name}  {duration(step.seconds)}{more}"
    return f"  ✕ {step.name}: this needs an administrator. To copy:\n    {step.detail}"


def _show(report: OllamaReport, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for line in description(report):
        click.echo(line)


def description(report: OllamaReport) -> list[str]:
    """Ollama on this host, for people."""
    if not report.running:
        lines = ["Ollama is not running here."]
    else:
        version = f" {report.version}" if report.version else ""
        lines = [f"Ollama{version} runs as a {report.owner}{_since(report.since_at)}"]
        lines += _holds(report)
        lines += [
            f"  model   {model.name}  {gib(model.gpu_bytes)} GPU  {gib(model.memory_bytes)} RAM"
            f"{_since(model.since_at)}  until {model.until or 'asked to go'}"
            for model in report.models
        ]
    if report.blocked:
        lines.append("  It is blocked: its unit does not start until `vconsole ollama restore`.")
    if report.taken and report.taken.waits:
        lines.append(f"  {report.taken.rung} waits for an administrator to run what was shown.")
    elif report.taken:
        lines.append(f"  Taken {report.taken.at:%Y-%m-%d %H:%M} UTC ({report.taken.rung}):")
        lines.append("  `vconsole ollama restore` gives it back.")
    if report.next_rungs:
        lines.append("To make room, mildest first:")
    lines += [f"  vconsole ollama {one.name:<8} {one.detail}" for one in report.next_rungs]
    return lines


def _holds(report: OllamaReport) -> list[str]:
    held = {"GPU memory": report.gpu_bytes, "RAM": report.memory_bytes}
    words = [f"{gib(size)} of {what}" for what, size in held.items() if size]
    return [f"  holds   {' and '.join(words)}"] if words else []


def _since(at: datetime | None) -> str:
    return f"  since {at.astimezone():%Y-%m-%d %H:%M}" if at else ""
