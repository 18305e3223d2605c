"""A bench as it is asked for on a command line or in a form, and what of it makes no sense."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from vconsole import settings
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BatchSpec
from vconsole.requests.bench.model import ServiceLevel, Target
from vconsole.requests.bench.plan import DEFAULT_CONCURRENCY, BenchSpec, Source
from vconsole.supervisor.jobs.model import JobRequest

AGAINST_KEY = "VCONSOLE_AGAINST_API_KEY"


@dataclass(frozen=True, slots=True)
class AskedBench:
    """What was said, as it was said; None is for what chooses itself."""

    name: str = "main"
    concurrency: tuple[int, ...] | None = None
    rates: tuple[float, ...] | None = None
    requests: int | None = None
    warm_up: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompts: str | None = None
    history: bool = False
    repeats: int | None = None
    warm: bool = False
    against: tuple[str, ...] = ()
    against_model: str | None = None
    profiles: str | None = None
    answers: int = 0
    url: str | None = None
    model: str | None = None
    seed: int = 0
    note: str | None = None
    timeout: float = 600.0

    def request(self) -> JobRequest:
        """The job that measures it; a usage error for what excludes each other."""
        self._require_sense()
        return JobRequest(
            spec=BatchSpec("", ""),
            server=self.name,
            url=self.url,
            api_key=os.environ.get("VLLM_API_KEY") if self.url else None,
            bench=self.spec(),
        )

    def spec(self) -> BenchSpec:
        wanted = settings.load().service_level
        file = None if self.prompts is None else os.path.abspath(os.path.expanduser(self.prompts))
        return BenchSpec(
            targets=(self._ours(), *(self._rival(each) for each in self.against)),
            server=None if self.url else self.name,
            concurrency=self.concurrency or DEFAULT_CONCURRENCY,
            rates_per_s=self.rates or (),
            requests=self.requests,
            warm_up=self.warm_up,
            source=Source(file, self.history, self.input_tokens, self.output_tokens),
            repeats=self.repeats,
            warm=self.warm,
            answers=self.answers,
            profiles=tuple(p.strip() for p in (self.profiles or "").split(",") if p.strip()),
            level=ServiceLevel(wanted.ttft_p95_ms, wanted.itl_p95_ms),
            seed=self.seed,
            note=self.note,
            timeout_s=self.timeout,
        )

    def _ours(self) -> Target:
        key = os.environ.get("VLLM_API_KEY")
        if self.url:
            return Target(_name_of(self.url), self.url, self.model, key)
        return Target(self.name, "", self.model, key)

    def _rival(self, given: str) -> Target:
        """`URL` or `URL=NAME`; a `=` within the address is its own."""
        url, _, name = given.rpartition("=")
        if not url or "/" in name:
            url, name = given, ""
        _require_address(url)
        key = os.environ.get(AGAINST_KEY)
        return Target(name or _name_of(url), url, self.against_model, key)

    def _require_sense(self) -> None:
        wrong = None
        if self.profiles and (self.against or self.url):
            wrong = "--profiles goes without --against and --url"
        elif self.profiles and len(self.spec().profiles) < 2:
            wrong = "--profiles needs two, such as --profiles A,B"
        elif self.prompts and (self.history or self.input_tokens):
            wrong = "--prompts goes without --history and --input-tokens"
        elif self.history and (self.input_tokens or self.output_tokens):
            wrong = "--history goes without --input-tokens and --output-tokens"
        elif self.concurrency and self.rates:
            wrong = "--concurrency and --rate exclude each other"
        elif len(set(self.spec().contenders)) < len(self.spec().contenders):
            wrong = "two of what is compared have the same name: give another, URL=NAME"
        if wrong:
            raise VConsoleError(wrong, "vconsole bench --help", ExitCode.USAGE)
        if self.url:
            _require_address(self.url)


def command_of(spec: BenchSpec) -> str:
    """The command line that asks for this bench; the default of an option is left out."""
    ours, *rivals = spec.targets
    source = spec.source
    said: list[tuple[str, object]] = [
        ("--name", spec.server if spec.server not in {None, "main"} else None),
        ("--url", ours.url if spec.server is None else None),
        ("--model", ours.model),
        ("--concurrency", _listed(spec.concurrency, DEFAULT_CONCURRENCY)),
        ("--rate", _listed(spec.rates_per_s)),
        ("--requests", spec.requests),
        ("--warm-up", spec.warm_up),
        ("--input-tokens", source.input_tokens),
        ("--output-tokens", source.output_tokens),
        ("--prompts", source.file),
        ("--repeats", spec.repeats),
        *(("--against", f"{rival.url}={rival.name}") for rival in rivals),
        ("--against-model", rivals[0].model if rivals else None),
        ("--profiles", ",".join(spec.profiles) or None),
        ("--answers", spec.answers or None),
        ("--seed", spec.seed or None),
        ("--note", spec.note),
    ]
    words = ["vconsole", "bench"]
    for option, value in said:
        words += [option, str(value)] if value is not None else []
    words += [*(["--history"] if source.history else []), *(["--warm"] if spec.warm else [])]
    return shlex.join(words)


def _listed(values: tuple[float, ...], default: tuple[float, ...] = ()) -> str | None:
    return None if values == default else ",".join(f"{each:g}" for each in values)


def _require_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise VConsoleError(
            f"{url!r} is no address of a server",
            "give one such as http://127.0.0.1:11434",
            ExitCode.USAGE,
        )


def _name_of(url: str) -> str:
    return urlsplit(url).netloc or url
