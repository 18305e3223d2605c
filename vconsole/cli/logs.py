"""logs: what the server printed, read from its file, so it works without a supervisor too."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json
from vconsole.engine.logline import LogLevel, LogLine, parse
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import procfs
from vconsole.supervisor import record, tree

POLL_S = 0.2
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@click.command(epilog="Example: vconsole logs -f --level warning --grep 'KV cache'")
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows, until interrupted.")
@click.option("--level", type=click.Choice(list(LEVELS)), help="This level and worse.")
@click.option("--grep", metavar="RE", help="Only messages that match this regular expression.")
@click.option("-n", "lines", type=click.IntRange(min=0), default=200, show_default=True)
@server_name
@json_output
def logs(
    follow: bool, level: str | None, grep: str | None, lines: int, name: str, as_json: bool
) -> None:
    """Print the end of the server's log."""
    path = record.log_path(name)
    _refuse_adopted(name)
    if not path.exists():
        raise VConsoleError(
            f"{name} has no log yet", "`vconsole start` makes one", ExitCode.NO_SERVER, "no_log"
        )
    wanted = Filter(level, grep)
    with path.open("rb") as file:
        kept: deque[LogLine] = deque(maxlen=lines)
        kept.extend(line for line in _lines(file.read()) if wanted.takes(line))
        for line in kept:
            _print(line, as_json)
        while follow:
            for line in _grown(file, path):
                if wanted.takes(line):
                    _print(line, as_json)
            time.sleep(POLL_S)


def _refuse_adopted(name: str) -> None:
    """What an adopted server prints goes where its own starter sent it."""
    run = record.load(name).run
    if run is None or not run.foreign:
        return
    target = procfs.link(run.leader.pid, "fd/1") if tree.is_alive(run.leader) else None
    is_file = target is not None and target.startswith("/") and not target.startswith("/dev/")
    raise VConsoleError(
        f"{name} was adopted: what it prints goes where its own starter sent it, not to vconsole",
        f"read {target}" if is_file else "`vconsole restart` starts it with a log of our own",
        ExitCode.NO_SERVER,
        "no_log",
    )


class Filter:
    """Which lines are wanted; a line without a level of its own has the one before it."""

    def __init__(self, level: str | None, grep: str | None) -> None:
        self._lowest = LEVELS[level] if level else 0
        self._last_level: LogLevel | None = None
        try:
            self._pattern = re.compile(grep) if grep else None
        except re.error as error:
            raise VConsoleError(
                f"--grep {grep!r} is no regular expression: {error}",
                "escape what is meant literally with a backslash",
                ExitCode.USAGE,
            ) from error

    def takes(self, line: LogLine) -> bool:
        self._last_level = line.level or self._last_level
        if (self._last_level or 0) < self._lowest:
            return False
        return self._pattern is None or bool(self._pattern.search(line.message))


def _lines(content: bytes) -> Iterator[LogLine]:
    for raw in content.decode(errors="replace").split("\n"):
        if raw:
            yield parse(raw)


def _grown(file: BinaryIO, path: Path) -> Iterator[LogLine]:
    """Whole lines that were appended since; an incomplete last one is read again later."""
    begin = file.tell()
    if path.stat().st_size < begin:
        file.seek(0)
        begin = 0
    content = file.read()
    whole = content.rpartition(b"\n")[0]
    file.seek(begin + len(whole) + (1 if whole else 0))
    yield from _lines(whole)


def _print(line: LogLine, as_json: bool) -> None:
    if as_json:
        level = line.level.name.lower() if line.level else None
        data = {"at": line.at, "level": level, "process": line.process, "message": line.message}
        print_json(data)
        return
    at = line.at.strftime("%H:%M:%S") if line.at else "        "
    level = line.level.name if line.level else ""
    click.echo(f"{at} {level:<8}{(line.process or ''):<12}{line.message}")
