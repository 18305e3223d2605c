"""No page and no hint of the program names a command, an option or a key of make that is not."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from tests.docs.commands import (
    ELSEWHERE,
    ROOT,
    here,
    inline_commands,
    pages,
    shown_commands,
)
from vconsole.cli.app import vconsole

# What is said of a command rather than typed: another word may stand there.
OPEN = re.compile(r"[\[\]{}…|<>]|\.\.\.")
SOURCES = tuple(sorted((ROOT / "vconsole").rglob("*.py")))


def test_the_pages_show_commands() -> None:
    """Whoever changes the form of the blocks learns here that nothing is found any more."""
    assert len(shown_commands()) > 80
    assert len(here()) > 45


def test_the_table_of_what_runs_elsewhere_is_of_commands_that_are_shown() -> None:
    lines = [each.line for each in shown_commands()]
    forms = [form for _, _, forms in ELSEWHERE for form in forms]
    assert [form for form in forms if not any(re.fullmatch(form, one) for one in lines)] == []


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, name, _ in ELSEWHERE])
def test_what_runs_elsewhere_names_a_test_that_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_make_knows_what_the_pages_name() -> None:
    lines = [each.line.split() for each in shown_commands()]
    for target in sorted({words[1] for words in lines if words[0] == "make"}):
        command = ["make", "--dry-run", "--directory", str(ROOT), target]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_names_only_what_there_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = [each.line for each in shown_commands() if each.page == str(path.relative_to(ROOT))]
    wrong = [fault for line in (*lines, *inline_commands(text)) for fault in faults(line)]
    assert wrong == []


def test_the_program_names_only_what_there_is() -> None:
    """Hints and messages: each `vconsole …` between backticks in the sources."""
    found = [
        f"{path.relative_to(ROOT)}: {fault}"
        for path in SOURCES
        for line in inline_commands(path.read_text(encoding="utf-8"))
        for fault in faults(line)
    ]
    assert found == []


def test_every_example_of_a_help_text_is_a_command() -> None:
    examples = [
        example.strip()
        for command in all_commands(vconsole)
        for example in re.findall(r"vconsole [^·)`\n]+", command.epilog or "")
    ]
    assert len(examples) > 30
    assert [fault for line in examples for fault in faults(line)] == []


def all_commands(group: click.Group) -> Iterator[click.Command]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from all_commands(command)


def faults(line: str) -> Iterator[str]:
    """What of a command line does not exist; what stands after `--` is vLLM's."""
    for part in re.split(r"\||&&|;", line):
        words = _words(part)
        if words and words[0].rpartition("/")[2] == "vconsole":
            yield from (f"{line!r}: {fault}" for fault in _faults_of(words[1:]))


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part.strip())
    except ValueError:
        return part.split()


def _faults_of(words: list[str]) -> Iterator[str]:
    command: click.Command = vconsole
    options = _options(vconsole)
    for word in words:
        if word == "--" or OPEN.search(word):
            return
        if word.startswith("-"):
            if word.partition("=")[0] not in options | {"-h", "--help", "-"}:
                yield f"{word} is no option of it"
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]*", word):
            inner = command.get_command(click.Context(command), word)
            if inner is None and not command.invoke_without_command:
                yield f"{word} is no command"
            command = inner or click.Command("none")
            options = options | _options(command)


@cache
def _options(command: click.Command) -> frozenset[str]:
    return frozenset(
        word
        for parameter in command.params
        for word in (*parameter.opts, *parameter.secondary_opts)
        if word.startswith("-")
    )
