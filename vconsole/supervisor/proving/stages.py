"""What is measured after what: legs that take turns, and what our server has to run for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vconsole.engine.command.flags import Flag, replaced, split_flags
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.proving.rival import Rival
from vconsole.supervisor.tuning.model import Setting

SAMPLER = "VLLM_USE_FLASHINFER_SAMPLER"
PREFIX, EAGER = "--enable-prefix-caching", "--enforce-eager"
NOT_ON_CUDA = "not run on CUDA: this engine is the {} build"


@dataclass(frozen=True, slots=True)
class Ground:
    """What our server runs meanwhile; `rests` is that it does not, so that the other has it all.

    `env` are variables beside those it has, `unset` such as it has not.
    """

    setting: Setting
    env: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Legs that take turns on one ground."""

    legs: tuple[Leg, ...]
    ground: Ground


@dataclass(frozen=True, slots=True)
class Course:
    """All stages in order, and why the legs that are in none cannot be measured here."""

    stages: tuple[Stage, ...]
    missing: Mapping[Leg, str]


@dataclass(frozen=True, slots=True)
class Start:
    """Our server as it is: `ran` are all flags that vLLM got, `sampler_given` its own variable."""

    before: Setting
    ran: tuple[str, ...]
    device: str
    sampler_given: str | None = None

    @property
    def as_it_was(self) -> Ground:
        given = self.sampler_given
        return Ground(
            self.before,
            {} if given is None else {SAMPLER: given},
            (SAMPLER,) if given is None else (),
        )


def course(start: Start, rival: Rival | None, why_none: str = "") -> Course:
    """The stages that this host allows; those that change nothing come first."""
    missing: dict[Leg, str] = {}
    stages = _against(start, rival)
    if rival is None:
        missing |= dict.fromkeys((Leg.RIVAL_SINGLE, Leg.RIVAL_BATCHED), why_none)
    stages.append(Stage((Leg.PREFIX_COLD, Leg.PREFIX_WARM), _with_prefix_caching(start)))
    if start.device == "cuda":
        stages += _on_cuda(start)
    else:
        why = NOT_ON_CUDA.format(start.device.upper())
        legs = (Leg.GRAPHS, Leg.EAGER, Leg.SAMPLING, Leg.SAMPLING_WITHOUT)
        missing |= dict.fromkeys(legs, why)
    return Course(tuple(stages), missing)


def _against(start: Start, rival: Rival | None) -> list[Stage]:
    ours = start.as_it_was
    if rival is None:
        return [Stage((leg,), ours) for leg in (Leg.SINGLE, Leg.BATCHED)]
    if rival.beside:
        pairs = ((Leg.SINGLE, Leg.RIVAL_SINGLE), (Leg.BATCHED, Leg.RIVAL_BATCHED))
        return [Stage(pair, ours) for pair in pairs]
    resting = Ground(start.before, rests=True)
    return [
        *(Stage((leg,), ours) for leg in (Leg.SINGLE, Leg.BATCHED)),
        *(Stage((leg,), resting) for leg in (Leg.RIVAL_SINGLE, Leg.RIVAL_BATCHED)),
    ]


def _with_prefix_caching(start: Start) -> Ground:
    off = any(flag.name.replace("_", "-") == "--no-enable-prefix-caching" for flag in _ran(start))
    return _changed(start, "with prefix caching", (PREFIX,)) if off else start.as_it_was


def _on_cuda(start: Start) -> list[Stage]:
    is_eager = any(flag.name.replace("_", "-") == EAGER for flag in _ran(start))
    eager, graphs = _changed(start, "eager", (EAGER,)), start.as_it_was
    if is_eager:
        eager, graphs = graphs, _changed(start, "with graphs", ("--no-enforce-eager",))
    return [
        Stage((Leg.GRAPHS,), graphs),
        Stage((Leg.EAGER,), eager),
        *(
            Stage((leg,), Ground(Setting(words, start.before.flags), {SAMPLER: value}))
            for leg, words, value in (
                (Leg.SAMPLING, "with FlashInfer's sampler", "1"),
                (Leg.SAMPLING_WITHOUT, "with vLLM's own sampler", "0"),
            )
        ),
    ]


def _changed(start: Start, words: str, flags: tuple[str, ...]) -> Ground:
    ground = start.as_it_was
    setting = Setting(words, replaced(start.before.flags, flags))
    return Ground(setting, ground.env, ground.unset)


def _ran(start: Start) -> tuple[Flag, ...]:
    return split_flags(start.ran)
