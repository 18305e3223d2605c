"""The prompts of a proof: the workload that was asked for, long ones, and such as are sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vconsole.requests.bench.model import Lengths, Load, Target, Workload
from vconsole.requests.bench.plan import Source
from vconsole.supervisor.proving.legs import MOST_PREFIX, WAYS, Ask
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.tuning.prompts import Prompts, prompts_of

# Long enough that reading a prompt takes a while, short enough for any model.
LONGEST_PREFIX, PREFIX_OUTPUT = 1024, 8
# A sampler has work to do only where it may choose (greedy decoding takes none).
CHOICE = {"temperature": 0.8, "top_p": 0.9, "top_k": 40}


class Questions:
    """`lengths` are kept, since a restart forgets a history."""

    def __init__(self, workload: Prompts, long: Prompts) -> None:
        self._workload, self._long = workload, long

    @classmethod
    async def of(
        cls,
        source: Source,
        batched: Load,
        target: Target,
        max_model_len: int | None,
        known: Sequence[Lengths] = (),
    ) -> Questions:
        """Read the file, or ask the target what it has served, and how it counts tokens."""
        read = min(LONGEST_PREFIX, (max_model_len or LONGEST_PREFIX) // 2)
        long = Source(input_tokens=read, output_tokens=PREFIX_OUTPUT)
        load = Load(1, requests=MOST_PREFIX, warm_up=1)
        made = cls(
            await prompts_of(source, batched, target, known), await prompts_of(long, load, target)
        )
        # Now, since the target may rest while the other is measured.
        for each in (made._workload, made._long):
            await each.workload("begin")
        return made

    @property
    def lengths(self) -> tuple[Lengths, ...]:
        return self._workload.lengths

    async def workload(self, leg: Leg, salt: str) -> Workload:
        """The same prompts for the same salt, whoever is asked."""
        ask = WAYS[leg].ask
        if ask is Ask.LONG:
            return await self._long.workload(salt)
        workload = await self._workload.workload(salt)
        return _with_choice(workload) if ask is Ask.SAMPLED else workload


def _with_choice(workload: Workload) -> Workload:
    prompts = tuple(replace(one, body={**one.body, **CHOICE}) for one in workload.prompts)
    return replace(workload, prompts=prompts, temperature=None)
