"""`vconsole diagnose`: the cause of a failure or a degradation in a vLLM log."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json
from vconsole.engine import failures
from vconsole.engine.redact import Redactor
from vconsole.errors import VConsoleError
from vconsole.supervisor.logs.log_reading import live_lines
from vconsole.supervisor.logs.log_secrets import redactor_of
from vconsole.supervisor.servers import record

_CONTEXT_LINES = 2
_SHOWN_COLUMNS = 200


@click.command(epilog="Example: journalctl -u vllm | vconsole diagnose -")
@click.argument("file", required=False, metavar="[FILE|-]")
@server_name
@json_output
def diagnose(file: str | None, name: str, as_json: bool) -> None:
    """Say why vLLM failed or got worse, from a log: FILE, stdin (-), or the server's last run."""
    lines = _lines(file, name)
    found = failures.diagnose(lines)
    redact = redactor_of(record.log_path(name))
    if as_json:
        print_json(_redacted(found, redact))
    else:
        click.echo(redact(describe(found, lines)))


def _redacted(found: failures.Diagnosis, redact: Redactor) -> failures.Diagnosis:
    evidence = found.evidence and replace(found.evidence, text=redact(found.evidence.text))
    return replace(found, message=redact(found.message), evidence=evidence)


def describe(found: failures.Diagnosis, lines: list[str]) -> str:
    """The diagnosis as text, with the evidence in its context."""
    parts = [f"{found.cause} ({found.severity}): {found.message}"]
    if found.evidence:
        parts += ["", *_context(lines, found.evidence.line)]
    if found.remedy:
        parts += ["", f"remedy: {found.remedy}"]
    if found.suggested_flags:
        parts.append(f"flags:  {' '.join(found.suggested_flags)}")
    if found.severity == "fatal":
        parts.append(f"retry:  {'may help' if found.retryable else 'does not help'}")
    return "\n".join(parts)


def _context(lines: list[str], number: int) -> list[str]:
    """The evidence line, marked, and its neighbours, cut to a readable width."""
    around = range(max(1, number - _CONTEXT_LINES), min(len(lines), number + _CONTEXT_LINES) + 1)
    width = len(str(around[-1]))
    return [
        f"{'>' if each == number else ' '} {each:>{width}} {_printable(lines[each - 1])}"
        for each in around
    ]


def _printable(line: str) -> str:
    """Without control characters, which would act on the terminal."""
    text = "".join(char for char in click.unstyle(line) if char.isprintable() or char == "\t")
    return text if len(text) <= _SHOWN_COLUMNS else f"{text[: _SHOWN_COLUMNS - 1]}…"


def _lines(file: str | None, name: str) -> list[str]:
    """The lines as editors number them: only line feeds count, not a progress bar's returns."""
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", errors="replace").split("\n")
    path = Path(file) if file else record.log_path(name)
    try:
        if not file:
            return list(live_lines(path))
        return path.read_bytes().decode("utf-8", errors="replace").split("\n")
    except OSError as error:
        raise VConsoleError(
            f"cannot read the log {path}: {error.strerror}",
            "name a log file, or - for standard input"
            if file
            else f"{name} has no log yet: `vconsole start` makes one, or name a log file",
        ) from error
