"""The fields of a new batch, and the job that they ask for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.attachments import json_object
from vconsole.requests.batch.model import BatchSpec, Endpoint
from vconsole.requests.batch.template import read_template
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui.forms.values import count_of, number_of

T = TypeVar("T")
# id, label, what stands in an empty field
FIELDS = (
    ("input", "input file", "requests.jsonl, prompts.txt, rows.csv, rows.parquet"),
    ("output", "answers to", "beside the input, as NAME.answers.jsonl"),
    ("template", "template", "of rows: Summarise: {text}   or @FILE"),
    ("model", "model", "the one that is served"),
    ("system", "system prompt", "none"),
    ("max-tokens", "most tokens", "what the server allows"),
    ("temperature", "temperature", "the model's own"),
    ("extra", "extra", '{"top_p": 0.9, "seed": 1, "stop": ["END"]}'),
    ("endpoint", "ask as", "auto: chat, completions or embeddings"),
    ("concurrency", "at once", "auto, or a number"),
    ("priority", "priority", "0; higher goes first"),
    ("weight", "weight", "1; a share of the server"),
    ("not-before", "not before", "now; 22:00 or 2026-12-01 22:00"),
    ("join", "join into", "rows with answers: FILE.csv, .jsonl or .parquet"),
    ("cache", "known answers", "no; yes takes them from earlier batches"),
    ("begun", "if begun", "ask; continue, restart, or retry what failed"),
)
PATHS = frozenset({"input", "output", "join"})
WORDS_FOR_BEGUN = ("ask", "continue", "restart", "retry")


class FieldError(VConsoleError):
    """What a field holds cannot be used; `field` is its id."""

    def __init__(self, field: str, message: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy, ExitCode.USAGE)
        self.field = field


def job_of(values: Mapping[str, str], server: str, now: datetime) -> JobRequest:
    """What the fields ask for; raises `FieldError` for what cannot be used."""
    fields = Fields(values)
    begun = fields.read("begun", _begun) or "ask"
    return JobRequest(
        fields.spec(),
        server,
        priority=fields.read("priority", int) or 0,
        weight=fields.read("weight", _weight) or 1.0,
        not_before=fields.read("not-before", lambda text: moment(text, now)),
        restart=begun == "restart",
        retry_failed=begun == "retry",
        accept_changes=begun == "continue",
    )


class Fields:
    """What was typed, by the id of its field."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {id: text.strip() for id, text in values.items()}

    def spec(self) -> BatchSpec:
        source = self._input()
        output = self._path("output") or source.with_suffix(".answers.jsonl")
        join = self._path("join")
        template = self.read("template", read_template)
        extra = self.read("extra", lambda text: json_object(text, "extra parameters"))
        return BatchSpec(
            input=str(source),
            output=str(output),
            template=template,
            join=str(join) if join else None,
            concurrency=self.read("concurrency", _at_once),
            model=self._values.get("model") or None,
            system=self._values.get("system") or None,
            max_tokens=self.read("max-tokens", count_of),
            temperature=self.read("temperature", number_of),
            endpoint=self.read("endpoint", Endpoint) or Endpoint.AUTO,
            cache=self.read("cache", _yes) or False,
            extra=json.dumps(extra, sort_keys=True) if extra else None,
        )

    def _input(self) -> Path:
        path = self._path("input")
        if path is None:
            raise FieldError("input", "a batch needs an input file", "tab completes its path")
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not there"
            raise FieldError("input", f"{path} {what}", "tab completes a path")
        return path

    def _path(self, id: str) -> Path | None:
        text = self._values.get(id)
        return Path(os.path.abspath(Path(text).expanduser())) if text else None

    def read(self, id: str, read: Callable[[str], T]) -> T | None:
        """What the field means; None where it is empty."""
        text = self._values.get(id)
        if not text:
            return None
        label = next(label for field, label, _ in FIELDS if field == id)
        try:
            return read(text)
        except VConsoleError as error:
            raise FieldError(id, f"{label}: {error.message}", error.remedy) from error
        except ValueError as error:
            hint = next(hint for field, _, hint in FIELDS if field == id)
            raise FieldError(id, f"{label}: {text} cannot be used", hint) from error


def moment(text: str, now: datetime) -> datetime:
    """A time of today or tomorrow, or a date with one, in local time."""
    local = now.astimezone()
    if len(text) <= 5:
        at = datetime.strptime(text, "%H:%M").time()
        found = datetime.combine(local.date(), at, local.tzinfo)
        return (
            found
            if found > local
            else found.fromtimestamp(found.timestamp() + 86_400, found.tzinfo)
        )
    return datetime.fromisoformat(text).astimezone()


def _at_once(text: str) -> int | None:
    return None if text == "auto" else count_of(text)


def _weight(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 100:
        raise ValueError(text)
    return value


def _yes(text: str) -> bool:
    known = {"yes": True, "y": True, "no": False, "n": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]


def _begun(text: str) -> str:
    if text not in WORDS_FOR_BEGUN:
        raise ValueError(text)
    return text
