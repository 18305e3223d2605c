"""The reference of docs/reference, made of the code: `python -m tests.docs.reference [FOLDER]`.

A page each for commands, settings, causes of failures, exit codes, the socket and the metrics; the
keys of the console are docs/keys.md, the manual page docs/vconsole.1. A test holds the committed
pages against it.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from pathlib import Path

import click
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.man import man_page
from vconsole import settings
from vconsole.cli.app import COMMANDS, vconsole
from vconsole.engine.log.failure_rules import rule_book
from vconsole.engine.metrics import exposition as of_vllm
from vconsole.errors import ExitCode
from vconsole.host.readings import Gpu
from vconsole.supervisor.api import ROUTES
from vconsole.supervisor.model import Desired, Job, OllamaStatus, ServerState, ServerStatus, Status
from vconsole.supervisor.telling.exposition import exposition
from vconsole.supervisor.telling.levels import Level
from vconsole.tui.keys import as_markdown

MADE = "Written by `make reference` from the code; do not edit it here.\n"
WIDTH = 100
MEANING = {
    ExitCode.DONE: "done; also `status` with nothing running, and a `fit` of any verdict",
    ExitCode.FAILED: "failed: a start, a smoke test, a batch with failed lines, a swap rolled back",
    ExitCode.USAGE: "usage: the command line, the settings or one of your files makes no sense",
    ExitCode.NO_SERVER: "a running server is needed and there is none",
    ExitCode.TIMED_OUT: "timed out: the operation continues, and the message says how to follow it",
    ExitCode.REFUSED: "refused: read-only, not ours, another operation runs, port or name taken",
    ExitCode.INTERRUPTED: "interrupted by you; the operation continues unless it said otherwise",
}


def pages() -> dict[str, str]:
    """The pages by their names in the folder of the docs."""
    return {
        "reference/commands.md": "".join(_commands()),
        "reference/settings.md": "".join(_settings()),
        "reference/diagnosis.md": "".join(_diagnosis()),
        "reference/exit-codes.md": "".join(_exit_codes()),
        "reference/socket.md": "".join(_socket()),
        "reference/metrics.md": "".join(_metrics()),
        "keys.md": as_markdown(),
        "vconsole.1": man_page(MEANING),
    }


def _commands() -> Iterator[str]:
    yield f"# Commands\n\n{MADE}\nEvery command takes `--help`; most take `--json`.\n\n"
    yield f"```text\n{_help(vconsole, ('vconsole',))}\n```\n"
    for name in COMMANDS:
        found = vconsole.get_command(click.Context(vconsole), name)
        assert found is not None
        yield from _command(found, ("vconsole", name))


def _command(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    yield f"\n{'#' * len(path)} {' '.join(path)}\n\n```text\n{_help(command, path)}\n```\n"
    if isinstance(command, click.Group):
        for name, one in sorted(command.commands.items()):
            yield from _command(one, (*path, name))


def _help(command: click.Command, path: tuple[str, ...]) -> str:
    *parents, own = path
    parent = click.Context(click.Group(), info_name=" ".join(parents)) if parents else None
    names = ["-h", "--help"]
    context = click.Context(
        command, parent=parent, info_name=own, terminal_width=WIDTH, help_option_names=names
    )
    return command.get_help(context)


def _settings() -> Iterator[str]:
    yield f"# Settings\n\n{MADE}\n"
    yield "`config.toml` in `~/.config/vconsole/`; `VCONSOLE_SECTION_NAME` variables\n"
    yield "override it. `vconsole config show` lists each with its value and its origin.\n"
    section = ""
    for value in settings.explain(Path("/nonexistent"), {}):
        before, (section, _, name) = section, value.key.partition(".")
        if section != before:
            yield f"\n## [{section}]\n\n| key | built in | what it is |\n| --- | --- | --- |\n"
        yield f"| `{name}` | `{_toml(value.value)}` | {_cell(value.help)} |\n"


def _toml(value: settings.Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else "{}" if value == {} else f"{value}"


def _diagnosis() -> Iterator[str]:
    yield f"# Causes of failures\n\n{MADE}\n"
    yield "What `vconsole diagnose` recognises from the log alone: the word that scripts get,\n"
    yield "what it means, and what to do. A *degraded* server serves, but worse than it could.\n\n"
    yield "| cause | | what it means | what to do |\n| --- | --- | --- | --- |\n"
    for rule in sorted(rule_book().rules, key=lambda one: one.cause):
        again = "; may pass by itself" if rule.retryable else ""
        words = f"{_cell(rule.plain)}{again} | {_cell(rule.remedy)}"
        yield f"| `{rule.cause}` | {rule.severity} | {words} |\n"


def _exit_codes() -> Iterator[str]:
    yield f"# Exit codes\n\n{MADE}\n| code | meaning |\n| --: | --- |\n"
    for code in ExitCode:
        yield f"| {code.value} | {MEANING[code]} |\n"


def _socket() -> Iterator[str]:
    yield f"# The supervisor's socket\n\n{MADE}\n"
    yield "Plain HTTP on a Unix socket, JSON in and out; `/v1` is only ever added to. An error is\n"
    yield '`{"error": {"kind", "message", "remedy", "exit_code"}}` with a 4xx status.\n\n'
    yield "```sh\ncurl --silent --unix-socket ~/.local/state/vconsole/supervisor.sock"
    yield " http://localhost/v1/status\n```\n\n"
    yield "| method | path | what |\n| --- | --- | --- |\n"
    for route in ROUTES:
        said = (inspect.getdoc(route.handler) or "").partition("\n")[0]
        yield f"| {route.method} | `{_cell(route.path)}` | {_cell(said)} |\n"


def _metrics() -> Iterator[str]:
    yield f"# Metrics\n\n{MADE}\n"
    yield "vconsole's own metrics are on the socket at `/v1/metrics` and, with `[monitoring]\n"
    yield "port`, on loopback at `/metrics`. What is unknown is absent.\n\n"
    yield "| family | kind | labels | what |\n| --- | --- | --- | --- |\n"
    for family in text_string_to_metric_families(_full_page().decode()):
        first = family.samples[0]
        labels = ", ".join(f"`{name}`" for name in first.labels)
        yield f"| `{first.name}` | {family.type} | {labels} | {_cell(family.documentation)} |\n"
    yield "\nOf vLLM's metrics these are read (names of 0.32; older ones are mapped to them):\n\n"
    for name in _names_of_vllm():
        yield f"- `{name}`\n"


def _names_of_vllm() -> list[str]:
    found = {
        value[0]
        for name, value in vars(of_vllm).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, tuple) and value
    }
    return sorted(found)


def _full_page() -> bytes:
    """A scrape in which every family occurs."""
    server = ServerStatus("main", ServerState.READY, Desired.RUNNING, restarts=1, uptime_s=1.0)
    card = Gpu(
        *(0, "GPU-0", "a card", 1, 1),
        utilization=0.5,
        temperature_c=1,
        power_w=1.0,
        power_limit_w=1.0,
        energy_j=1.0,
        throttle=("thermal",),
    )
    page = Status(
        server,
        (server,),
        gpus=(card,),
        ollama=OllamaStatus(True, 1),
        jobs=(Job("b1", "batch", "running", 1, 2, 0, idle_s=1.0),),
    )
    level = Level("main", "error_ratio", 0.01, 0.01, budget_left=1.0, burn={"1h": 0.0})
    return exposition(page, True, 1.0, 1.0, (level,))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def write(docs: Path) -> None:
    """Write the reference, the keys and the manual page below the folder of the docs."""
    (docs / "reference").mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    write(parser.parse_args().folder)
