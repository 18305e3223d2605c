"""`vconsole diagnose`: the cause of a failure or a degradation in a vLLM log."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json
from vconsole.engine.log import failures
from vconsole.engine.log.redact import Redactor
from vconsole.errors import VConsoleError
from vconsole.supervisor.logs.log_reading import lines_of_run
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
    lines, first_line = _lines(file, name)
    found = _numbered(failures.diagnose(lines), first_line)
    redact = redactor_of(record.log_path(name))
    if as_json:
        print_json(_redacted(found, redact))
    else:
        click.echo(redact(describe(found, lines, first_line)))


def _numbered(found: failures.Diagnosis, first_line: int) -> failures.Diagnosis:
    """With the evidence's number as of the whole log."""
    evidence = found.evidence
    if evidence is None:
        return found
    return replace(found, evidence=replace(evidence, line=evidence.line + first_line - 1))


def _redacted(found: failures.Diagnosis, redact: Redactor) -> failures.Diagnosis:
    evidence = found.evidence and replace(found.evidence, text=redact(found.evidence.text))
    return replace(found, message=redact(found.message), evidence=evidence)


def describe(found: failures.Diagnosis, lines: list[str], first_line: int = 1) -> str:
    """The diagnosis as text, with the evidence in its context; `lines` begin at `first_line`."""
    parts = [f"{found.cause} ({found.severity}): {found.message}"]
    if found.evidence:
        parts += ["", *_context(lines, found.evidence.line, first_line)]
    if found.remedy:
        parts += ["", f"remedy: {found.remedy}"]
    if found.suggested_flags:
        parts.append(f"flags:  {' '.join(found.suggested_flags)}")
    if found.severity == "fatal":
        parts.append(f"retry:  {'may help' if found.retryable else 'does not help'}")
    return "\n".join(parts)


def _context(lines: list[str], number: int, first_line: int) -> list[str]:
    """The evidence line, marked, and its neighbours, cut to a readable width."""
    last_line = first_line + len(lines) - 1
    first, last = max(first_line, number - _CONTEXT_LINES), min(last_line, number + _CONTEXT_LINES)
    width = len(str(last))
    return [
        f"{'>' if each == number else ' '} {each:>{width}} {_printable(lines[each - first_line])}"
        for each in range(first, last + 1)
    ]


def _printable(line: str) -> str:
    """Without control characters, which would act on the terminal."""
    text = "".join(char for char in click.unstyle(line) if char.isprintable() or char == "\t")
    return text if len(text) <= _SHOWN_COLUMNS else f"{text[: _SHOWN_COLUMNS - 1]}…"


def _lines(file: str | None, name: str) -> tuple[list[str], int]:
    """The lines as editors number them, and the number of the first.

    Only line feeds count, not a progress bar's returns.
    """
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", errors="replace").split("\n"), 1
    path = Path(file) if file else record.log_path(name)
    try:
        if file:
            return path.read_bytes().decode("utf-8", errors="replace").split("\n"), 1
        run = record.load(name).run
        return lines_of_run(path, run.log_offset_bytes if run else 0)
    except FileNotFoundError as error:
        if file:
            raise _unreadable(path, error) from error
        raise VConsoleError(
            f"{name} has no log yet",
            "`vconsole start` makes one, or name a log file",
            kind="no_log",
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> VConsoleError:
    name = path.parent.name
    if isinstance(error, FileNotFoundError) and path == record.log_path(name):
        remedy = "`vconsole start` makes one, or name a log file"
        return VConsoleError(f"{name} has no log yet", remedy)
    return VConsoleError(
        f"cannot read the log {path}: {error.strerror}", "name a log file, or - for standard input"
    )
