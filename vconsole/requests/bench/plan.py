"""What a bench is asked to measure, and its single measurements in an order that is fair to all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from vconsole.requests.bench.model import Load, Measured, ServiceLevel, Target, Warmth

DEFAULT_CONCURRENCY = (1, 8, 32)
DEFAULT_INPUT_TOKENS, DEFAULT_OUTPUT_TOKENS = 128, 64
# Fewer tell no difference from noise, neither now nor against a later bench.
REPEATS = 3
FEWEST_REQUESTS, ROUNDS_OF_REQUESTS = 16, 4
MOST_WARM_UP = 32


@dataclass(frozen=True, slots=True)
class Source:
    """Where prompts are from: a batch file, this server's history of lengths, or given lengths."""

    file: str | None = None
    history: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class BenchSpec:
    """A sweep: each load on each target, so many times, on the same prompts.

    The first target is ours; with `profiles` it serves each of them in turn, and `targets` has but
    the one. `requests` and `repeats` None choose themselves. With `warm` every measurement is
    followed by one of the same prompts again. `answers` is how many answers are set side by side.
    """

    targets: tuple[Target, ...]
    server: str | None = "main"
    concurrency: tuple[int, ...] = DEFAULT_CONCURRENCY
    rates_per_s: tuple[float, ...] = ()
    requests: int | None = None
    warm_up: int | None = None
    source: Source = Source()
    repeats: int | None = None
    warm: bool = False
    answers: int = 0
    profiles: tuple[str, ...] = ()
    level: ServiceLevel | None = None
    seed: int = 0
    note: str | None = None
    timeout_s: float = 600.0

    @property
    def contenders(self) -> tuple[str, ...]:
        """The names that are compared, the first against each other one."""
        return self.profiles or tuple(target.name for target in self.targets)

    @property
    def repeats_each(self) -> int:
        return self.repeats or REPEATS

    @property
    def loads(self) -> tuple[Load, ...]:
        closed = tuple(
            Load(c, None, self._requests(c), self._warm_up(c), self.seed, self.timeout_s)
            for c in self.concurrency
            if not self.rates_per_s
        )
        warm_up = MOST_WARM_UP if self.warm_up is None else self.warm_up
        opened = tuple(
            Load(None, rate, self._requests(8), min(warm_up, 8), self.seed, self.timeout_s)
            for rate in self.rates_per_s
        )
        return closed + opened

    def without_keys(self) -> BenchSpec:
        """As it may be kept: no key in it."""
        return replace(self, targets=tuple(replace(t, api_key=None) for t in self.targets))

    def _requests(self, concurrency: int) -> int:
        return self.requests or max(FEWEST_REQUESTS, ROUNDS_OF_REQUESTS * concurrency)

    def _warm_up(self, concurrency: int) -> int:
        return min(concurrency, MOST_WARM_UP) if self.warm_up is None else self.warm_up


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement: which contender under which load, how often before, cold or warm."""

    contender: str
    load: Load
    repeat: int
    warmth: Warmth

    def is_done_by(self, measured: Measured) -> bool:
        return (self.contender, self.load, self.repeat, self.warmth) == (
            *(measured.target, measured.load, measured.repeat, measured.warmth),
        )


def steps(spec: BenchSpec) -> Iterator[Step]:
    """Repeat by repeat, so that a change of the machine meets all alike, turn about who is first.

    Servers that stand side by side take turns at every load; profiles, for which a server has to
    be started again, at every repeat.
    """
    names, warmths = spec.contenders, (Warmth.COLD, *((Warmth.WARM,) if spec.warm else ()))
    for repeat in range(spec.repeats_each):
        order = names if repeat % 2 == 0 else names[::-1]
        pairs = (
            [(name, load) for name in order for load in spec.loads]
            if spec.profiles
            else [(name, load) for load in spec.loads for name in order]
        )
        for name, load in pairs:
            for warmth in warmths:
                yield Step(name, load, repeat, warmth)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a contender: of another server only what it says itself."""

    name: str
    url: str = ""
    model: str | None = None
    version: str | None = None
    device: str | None = None
    profile: str | None = None
    flags: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    name: str = ""
    processor: str = ""
    cores: int | None = None
    memory_bytes: int | None = None
    gpus: tuple[str, ...] = ()
    system: str = ""
    vconsole: str = ""
    load_average: tuple[float, ...] = field(default_factory=tuple)
