"""The fields of a new bench, the bench that they ask for, and those of one that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from vconsole.errors import VConsoleError
from vconsole.requests.bench.plan import BenchSpec
from vconsole.supervisor.jobs.asked_bench import AskedBench
from vconsole.tui.forms.batch_fields import FieldError

T = TypeVar("T")
# id, label, what stands in an empty field
FIELDS = (
    ("concurrency", "at once", "1,8,32 requests"),
    ("rate", "or arriving", "as soon as one has ended; 2,5 a second by chance"),
    ("requests", "requests", "of each measurement: 4 rounds, at least 16"),
    ("warm-up", "warm-up", "requests before it: as many as are at once"),
    ("input", "prompt tokens", "128, or history: as long as this server's were"),
    ("output", "answer tokens", "64"),
    ("prompts", "or prompts of", "a batch file: requests.jsonl"),
    ("repeats", "repeats", "3; fewer than 2 have no noise to be told from"),
    ("warm", "warm too", "no; yes sends each prompt once more, cached then"),
    ("against", "against", "nobody; URL=NAME of another OpenAI-compatible server"),
    ("against-model", "its model", "the first that it names"),
    ("profiles", "profiles", "what runs; A,B swaps between them"),
    ("answers", "answers", "0 of them side by side"),
    ("seed", "seed", "0; another one makes other prompts"),
    ("note", "note", "kept with it"),
)
PATHS = frozenset({"prompts"})
HISTORY = "history"
MOST = 65536


def asked_of(values: Mapping[str, str], server: str) -> AskedBench:
    """What the fields ask for; raises `FieldError` for what cannot be used."""
    fields = _Fields(values)
    history = fields.text("input") == HISTORY
    return AskedBench(
        name=server,
        concurrency=fields.read("concurrency", _counts),
        rates=fields.read("rate", _rates),
        requests=fields.read("requests", _count),
        warm_up=fields.read("warm-up", _count_or_none),
        input_tokens=None if history else fields.read("input", _count),
        output_tokens=fields.read("output", _count),
        prompts=fields.read("prompts", _file),
        history=history,
        repeats=fields.read("repeats", _count),
        warm=fields.read("warm", _yes) or False,
        against=tuple(each for each in (fields.text("against") or "").split() if each),
        against_model=fields.text("against-model"),
        profiles=fields.text("profiles"),
        answers=fields.read("answers", _count_or_none) or 0,
        seed=fields.read("seed", int) or 0,
        note=fields.text("note"),
    )


def values_of(spec: BenchSpec) -> dict[str, str]:
    """The fields that ask for this bench again; what chose itself stays empty."""
    rivals, source = spec.targets[1:], spec.source
    said = {
        "concurrency": "" if spec.rates_per_s else _listed(spec.concurrency),
        "rate": _listed(spec.rates_per_s),
        "requests": spec.requests,
        "warm-up": spec.warm_up,
        "input": HISTORY if source.history else source.input_tokens,
        "output": source.output_tokens,
        "prompts": source.file,
        "repeats": spec.repeats,
        "warm": "yes" if spec.warm else None,
        "against": " ".join(f"{each.url}={each.name}" for each in rivals),
        "against-model": rivals[0].model if rivals else None,
        "profiles": ",".join(spec.profiles),
        "answers": spec.answers or None,
        "seed": spec.seed or None,
        "note": spec.note,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


class _Fields:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {id: text.strip() for id, text in values.items()}

    def text(self, id: str) -> str | None:
        return self._values.get(id) or None

    def read(self, id: str, read: Callable[[str], T]) -> T | None:
        """What the field means; None where it is empty."""
        text = self.text(id)
        if text is None:
            return None
        label, hint = next((label, hint) for field, label, hint in FIELDS if field == id)
        try:
            return read(text)
        except VConsoleError as error:
            raise FieldError(id, f"{label}: {error.message}", error.remedy) from error
        except ValueError as error:
            raise FieldError(id, f"{label}: {text} cannot be used", hint) from error


def _counts(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_count(each) for each in text.split(",") if each.strip()))


def _rates(text: str) -> tuple[float, ...]:
    found = tuple(dict.fromkeys(float(each) for each in text.split(",") if each.strip()))
    if any(not 0 < rate <= MOST for rate in found):
        raise ValueError(text)
    return found


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1_000_000:
        raise ValueError(text)
    return value


def _count_or_none(text: str) -> int:
    return 0 if int(text) == 0 else _count(text)


def _file(text: str) -> str:
    path = Path(text).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise VConsoleError(f"{path} {what}", "tab completes a path")
    return str(path.absolute())


def _yes(text: str) -> bool:
    known = {"yes": True, "y": True, "no": False, "n": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{each:g}" for each in values)
