"""A prompt template: `{column}` stands for a row's value, `{{` and `}}` for braces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError

PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
LARGEST_BYTES = 1 << 20


class MissingColumnError(Exception):
    """A row lacks the column of that name."""


def read_template(given: str) -> str:
    """The template itself, or the text of the file that `@FILE` names."""
    if not given.startswith("@"):
        return checked(given)
    path = Path(given[1:])
    try:
        return checked(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise VConsoleError(
            f"cannot read the template {path}: {error}", "check the path", ExitCode.USAGE
        ) from error


def checked(template: str) -> str:
    """The template itself, or an error that says what is wrong with its braces."""
    columns = columns_of(template)
    if not columns:
        raise VConsoleError(
            "the template names no column",
            "write a column's name in braces: --template 'Summarise: {text}'",
            ExitCode.USAGE,
        )
    return template


def columns_of(template: str) -> tuple[str, ...]:
    columns = []
    for part in PART.finditer(template):
        if part.group(1) is not None and part.group(1).strip():
            columns.append(part.group(1).strip())
        elif part.group() not in {"{{", "}}"}:
            raise VConsoleError(
                f"the template has a brace without a column at character {part.start() + 1}",
                "write {{ and }} for braces that are meant as such",
                ExitCode.USAGE,
            )
    return tuple(columns)


def fill(template: str, row: Mapping[str, object]) -> str:
    """The prompt of one row; an empty value is empty text."""

    def value_of(part: re.Match[str]) -> str:
        if part.group() in {"{{", "}}"}:
            return part.group()[0]
        name = part.group(1).strip()
        if name not in row:
            raise MissingColumnError(name)
        value = row[name]
        return "" if value is None else str(value)

    return PART.sub(value_of, template)
