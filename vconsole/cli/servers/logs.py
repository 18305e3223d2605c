"""logs: what the server printed, read from its file, so it works without a supervisor too."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json
from vconsole.engine.log.logline import LogLevel, LogLine, parse
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import procfs
from vconsole.supervisor.logs.log_reading import LogFollower, end_of_lines, last_lines
from vconsole.supervisor.logs.log_secrets import redactor_of
from vconsole.supervisor.processes import tree
from vconsole.supervisor.servers import record

POLL_S = 0.2
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@click.command(epilog="Example: vconsole logs -f --level warning --grep 'KV cache'")
@click.option(
    "-f", "--follow", is_flag=True, help="Keep printing as the log grows, until interrupted."
)
@click.option("--level", type=click.Choice(list(LEVELS)), help="This level and worse.")
@click.option("--grep", metavar="RE", help="Only messages that match this regular expression.")
@click.option(
    "-n",
    "lines",
    type=click.IntRange(0),
    default=200,
    metavar="N",
    help="The last N lines.  [default: 200]",
)
@server_name
@json_output
def logs(
    follow: bool, level: str | None, grep: str | None, lines: int, name: str, as_json: bool
) -> None:
    """Print the end of the server's log; archived parts are read where you ask for more."""
    path = record.log_path(name)
    _refuse_adopted(name)
    if not path.exists():
        raise VConsoleError(
            f"{name} has no log yet", "`vconsole start` makes one", ExitCode.NO_SERVER, "no_log"
        )
    end = end_of_lines(path) if follow else path.stat().st_size
    follower = LogFollower(path, end) if follow else None
    wanted = Filter(level, grep)

    def take(read: Iterable[str]) -> list[LogLine]:
        return list(deque(Filter(level, grep).of(read), maxlen=lines))

    _print(last_lines(path, lines, end, take), path, as_json)
    while follower:
        _print(wanted.of(follower.new_lines()), path, as_json)
        if not follower.behind:
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

    def of(self, lines: Iterable[str]) -> Iterator[LogLine]:
        """Those that say something and are wanted."""
        return (line for raw in lines if raw and self._takes(line := parse(raw)))

    def _takes(self, line: LogLine) -> bool:
        self._last_level = line.level or self._last_level
        if (self._last_level or 0) < self._lowest:
            return False
        return self._pattern is None or bool(self._pattern.search(line.message))


def _print(lines: Iterable[LogLine], path: Path, as_json: bool) -> None:
    """Print without what must not be seen."""
    redact = redactor_of(path)
    for line in lines:
        if as_json:
            level = line.level.name.lower() if line.level else None
            data = {"at": line.at, "level": level, "process": line.process}
            print_json({**data, "message": redact(line.message)})
            continue
        at = line.at.strftime("%H:%M:%S") if line.at else "        "
        level = line.level.name if line.level else ""
        click.echo(f"{at} {level:<8}{(line.process or ''):<12}{redact(line.message)}")
