"""The prompts of a bench: made or read once; each cold measurement gets such as were not seen."""

from __future__ import annotations

from dataclasses import replace

from vconsole.requests.bench.loading import needed_prompts, repeated
from vconsole.requests.bench.model import Lengths, Load, Prompt, Target, Workload
from vconsole.requests.bench.plan import (
    DEFAULT_INPUT_TOKENS,
    DEFAULT_OUTPUT_TOKENS,
    BenchSpec,
)
from vconsole.requests.bench.prompt_file import sampled
from vconsole.requests.bench.tokens import TokenCosts
from vconsole.requests.bench.workload import (
    costs_of,
    lengths_of_history,
    made_of_words,
    salted,
)


class Prompts:
    """`workload` gives every contender the same prompts for the same load and repeat."""

    def __init__(
        self,
        spec: BenchSpec,
        given: tuple[Prompt, ...] = (),
        lengths: tuple[Lengths, ...] = (),
        costs: TokenCosts | None = None,
    ) -> None:
        self._spec, self._given, self._lengths, self._costs = spec, given, lengths, costs

    @classmethod
    async def of(cls, spec: BenchSpec, target: Target) -> Prompts:
        """Read the file, or ask the target how it counts tokens and what it has served."""
        source, count = spec.source, max(needed_prompts(load) for load in spec.loads)
        if source.file is not None:
            wanted = max(count, spec.answers)
            tokens = source.output_tokens
            return cls(spec, sampled(source.file, wanted, seed=spec.seed, output_tokens=tokens))
        if source.history:
            lengths = await lengths_of_history(target, count, seed=spec.seed, server=spec.server)
        else:
            lengths = (
                Lengths(
                    source.input_tokens or DEFAULT_INPUT_TOKENS,
                    source.output_tokens or DEFAULT_OUTPUT_TOKENS,
                ),
            ) * count
        return cls(spec, (), lengths, await costs_of(target))

    @property
    def origin(self) -> str:
        if self._given:
            return f"{len(self._given)} requests of {self._spec.source.file}"
        words = self.workload(self._spec.loads[0], 0).origin
        return f"{words}, as this server was asked" if self._spec.source.history else words

    def workload(self, load: Load, repeat: int) -> Workload:
        """What no server has seen yet; the same again for a warm measurement."""
        seed = f"{self._spec.seed}.{self._spec.loads.index(load)}.{repeat}"
        count = needed_prompts(load)
        if self._costs is not None:
            return made_of_words(self._costs, self._lengths[:count], seed)
        # Requests of a file keep their own ends, unless a length is wished for.
        exact = self._spec.source.output_tokens is not None
        given = tuple(
            replace(each, key=f"{each.key}.{at}")
            for at, each in enumerate(repeated(self._given, count))
        )
        return salted(Workload(given, exact, None, self.origin), seed)

    def asked_for_answers(self) -> tuple[Prompt, ...]:
        """The prompts whose answers are set side by side, as they are."""
        if self._given:
            return self._given[: self._spec.answers]
        return self.workload(self._spec.loads[0], 0).prompts[: self._spec.answers]
