"""The manual page docs/vconsole.1, made of the commands themselves; the wheel installs it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from vconsole import __version__
from vconsole.cli.app import COMMANDS, vconsole
from vconsole.errors import ExitCode

INTRODUCTION = (
    "vconsole starts, watches, queries and stops a local vLLM server. A small supervisor in the "
    "background owns the server; the console and the commands come and go, and nothing is lost "
    "when the connection drops. Without a command the console opens and attaches to what is "
    "running; leaving it stops no server."
)
VARIABLES = (
    ("VCONSOLE_ENGINE", "A Python with vLLM installed; otherwise one is found."),
    ("VCONSOLE_SOCKET", "The socket of another supervisor, as --socket."),
    ("VCONSOLE_READONLY", "1 refuses whatever changes something, as --readonly."),
    ("VCONSOLE_SECTION_NAME", "A setting, such as VCONSOLE_SERVER_PORT; overrides the file."),
    ("VLLM_API_KEY", "The key that vLLM asks its clients for."),
    ("HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE", "As Hugging Face documents them."),
)
FILES = (
    ("~/.config/vconsole/config.toml", "Settings; `vconsole config show` lists them all."),
    ("~/.config/vconsole/profiles.toml", "Profiles: named ways to start a server."),
    ("~/.config/vconsole/catalogue.toml", "Models added to the built-in catalogue."),
    ("~/.config/vconsole/themes/*.toml", "Themes added to the console."),
    ("~/.local/state/vconsole/", "Socket, records, logs and history; mode 0700."),
    ("~/.local/share/vconsole/", "Engines and demo models."),
    ("~/.cache/vconsole/", "What can be made again."),
)


def man_page(meanings: dict[ExitCode, str]) -> str:
    """The page in roff, with the words for each exit code."""
    return "\n".join(_lines(meanings)) + "\n"


def _lines(meanings: dict[ExitCode, str]) -> Iterator[str]:
    yield '.\\" Written by `make reference` from the code; do not edit it here.'
    yield f'.TH VCONSOLE 1 "" "vconsole {__version__}" "User Commands"'
    yield from (".SH NAME", "vconsole \\- a console for a local vLLM server")
    yield from (".SH SYNOPSIS", ".B vconsole", "[\\fIoptions\\fR] [\\fIcommand\\fR ...]")
    yield from (".SH DESCRIPTION", _text(INTRODUCTION), ".SH OPTIONS")
    yield from _options(vconsole)
    yield ".SH COMMANDS"
    for name in COMMANDS:
        command = vconsole.get_command(click.Context(vconsole), name)
        assert command is not None
        yield from _command(command, ("vconsole", name))
    yield ".SH EXIT STATUS"
    yield from _items((str(code.value), meaning) for code, meaning in meanings.items())
    yield ".SH ENVIRONMENT"
    yield from _items(VARIABLES)
    yield from (".SH FILES", "The XDG_*_HOME variables move these folders.")
    yield from _items(FILES)
    yield from (".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1)")


def _command(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "{_text(" ".join((*path, usage)))}"'
    said = inspect.cleandoc(command.help or command.callback.__doc__ or "")
    for number, paragraph in enumerate(said.split("\n\n")):
        yield from ((".PP",) if number else ())
        yield _text(paragraph)
    yield from _options(command)
    if command.epilog:
        yield from (".PP", _text(command.epilog))
    if isinstance(command, click.Group):
        for name, one in sorted(command.commands.items()):
            yield from _command(one, (*path, name))


def _options(command: click.Command) -> Iterator[str]:
    context = click.Context(command, help_option_names=["-h", "--help"])
    options = (each for each in command.params if isinstance(each, click.Option))
    records = (option.get_help_record(context) for option in options)
    yield from _items(record for record in records if record)


def _items(items: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, words in items:
        yield from (".TP", f"\\fB{_text(term)}\\fR", _text(words))


def _text(text: str) -> str:
    """One line of roff: no character of it is a request or an escape."""
    line = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{line}" if line.startswith((".", "'")) else line
