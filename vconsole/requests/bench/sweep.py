"""A bench from its first measurement to its last, kept after each: it may be gone on with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from vconsole.engine.metrics.exposition import parse
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench import kept
from vconsole.requests.bench.answers import ask_all, side_by_side
from vconsole.requests.bench.host_facts import read_host
from vconsole.requests.bench.kept import Bench, BenchState
from vconsole.requests.bench.measure import measure
from vconsole.requests.bench.model import Measured, Progress, Target, Warmth
from vconsole.requests.bench.plan import BenchSpec, Facts, Step, steps
from vconsole.requests.bench.prompts import Prompts
from vconsole.requests.transport import Transport, TransportError

HALT_LOOK_S = 0.2
IDLE_LOOK_S, IDLE_PATIENCE_S = 0.25, 30.0
METRICS_TIMEOUT_S = 5.0


class Stage(Protocol):
    """Who sees to it that a contender can be measured."""

    async def target(self, contender: str) -> Target:
        """Where it is, brought up where it is not yet; raises where that fails."""
        ...

    async def facts(self, contender: str) -> Facts:
        """What is known of it while it is there."""
        ...


@dataclass(frozen=True, slots=True)
class BenchProgress:
    """How far a bench is, counted in requests; `words` say what it does."""

    done: int
    total: int
    failed: int
    steps_done: int
    steps_total: int
    words: str


class HaltedError(Exception):
    """It was told to end."""


class Sweep:
    """Carries out what of a bench is not done yet; `halted` is asked a few times a second."""

    def __init__(
        self,
        bench: Bench,
        stage: Stage,
        tell: Callable[[BenchProgress], None] = lambda _: None,
        halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.bench = bench
        self._stage, self._tell, self._halted = stage, tell, halted
        self._spec = bench.spec
        self._steps = tuple(steps(self._spec))
        self._prompts: Prompts | None = None

    async def run(self) -> Bench:
        """To the end, or as far as it goes: the bench says how it ended."""
        try:
            async with asyncio.timeout(None):
                await self._run_until_halted()
        except VConsoleError as error:
            self._end(BenchState.FAILED, error.message, error.remedy)
        except HaltedError:
            self._end(BenchState.CANCELLED, "it was cancelled; what was measured is kept")
        else:
            self._end(BenchState.DONE)
        return self.bench

    async def _run_until_halted(self) -> None:
        work = asyncio.create_task(self._run())
        while not work.done():
            await asyncio.wait([work], timeout=HALT_LOOK_S)
            if self._halted() and not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                raise HaltedError
        await work

    async def _run(self) -> None:
        if not self.bench.host.name:
            self._keep(host=await asyncio.to_thread(read_host))
        for step in self._steps:
            if not any(step.is_done_by(one) for one in self.bench.measured):
                await self._carry_out(step)

    async def _carry_out(self, step: Step) -> None:
        self._say(step, "getting ready")
        target = replace(await self._stage.target(step.contender), name=step.contender)
        await self._learn(step.contender, target)
        await self._until_idle(step, target)
        assert self._prompts is not None
        measured = await measure(
            target,
            self._prompts.workload(step.load, step.repeat),
            # What is warm already needs no warming up, and other prompts would cool it.
            step.load if step.warmth is Warmth.COLD else replace(step.load, warm_up=0),
            level=self._spec.level,
            warmth=step.warmth,
            repeat=step.repeat,
            on_progress=lambda progress: self._say(step, "", progress),
        )
        self._take(replace(measured, load=step.load))
        await self._ask(step.contender, target)

    async def _learn(self, contender: str, target: Target) -> None:
        """The first time: what it is, and prompts for all."""
        if self._prompts is None:
            self._prompts = await Prompts.of(self._spec, target)
            self._keep(origin=self._prompts.origin)
        if contender not in self.bench.facts:
            facts = await self._stage.facts(contender)
            self._keep(facts={**self.bench.facts, contender: facts})

    async def _until_idle(self, step: Step, target: Target) -> None:
        """A server that works for others measures them as well: wait a while, then say so."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + IDLE_PATIENCE_S
        while running := await _requests_running(target):
            if loop.time() > deadline_s:
                self._warn(f"{step.contender} was busy with {running:.0f} requests of others")
                return
            self._say(step, f"waiting until {running:.0f} requests of others have ended")
            await asyncio.sleep(IDLE_LOOK_S)

    async def _ask(self, contender: str, target: Target) -> None:
        prompts = self._prompts.asked_for_answers() if self._prompts else ()
        have = {a.contender for one in self.bench.answered for a in one.answers}
        if not prompts or contender in have:
            return
        found = await ask_all(target, prompts, self._spec.timeout_s)
        self._keep(answered=side_by_side(prompts, self.bench.answered, found))

    def _take(self, measured: Measured) -> None:
        self._keep(measured=(*self.bench.measured, measured))
        view = measured.server
        if view and view.requests and view.requests > measured.requests:
            more = view.requests - measured.requests
            self._warn(f"{measured.target} answered {more:.0f} requests of others meanwhile")

    def _warn(self, words: str) -> None:
        if words not in self.bench.warnings:
            self._keep(warnings=(*self.bench.warnings, words))

    def _end(self, state: BenchState, note: str | None = None, remedy: str | None = None) -> None:
        self._keep(state=state, ended_at=datetime.now(UTC), note=note, remedy=remedy)

    def _keep(self, **fields: object) -> None:
        self.bench = replace(self.bench, **fields)  # type: ignore[arg-type]
        kept.keep(self.bench)

    def _say(self, step: Step, words: str, now: Progress | None = None) -> None:
        done = sum(one.requests for one in self.bench.measured)
        failed = self.bench.failed_requests
        if now is not None and not now.warming_up:
            done, failed = done + now.done, failed + now.failed
        rate = step.load.rate_per_s
        load = f"{rate:g}/s" if rate else f"{step.load.concurrency} at once"
        what = f"{step.contender}, {load}"
        if step.warmth is Warmth.WARM:
            what += ", warm"
        if self._spec.repeats_each > 1:
            what += f", {step.repeat + 1} of {self._spec.repeats_each}"
        total = sum(each.load.requests for each in self._steps)
        steps_done = len(self.bench.measured)
        if now is not None and now.warming_up:
            words = "warming up"
        told = f"{what}: {words}" if words else what
        self._tell(BenchProgress(done, total, failed, steps_done, len(self._steps), told))


class StandingStage:
    """Contenders that stand side by side, each where it is."""

    def __init__(self, spec: BenchSpec, known: tuple[Facts, ...] = ()) -> None:
        self._targets = {target.name: target for target in spec.targets}
        self._known = {facts.name: facts for facts in known}

    async def target(self, contender: str) -> Target:
        return self._targets[contender]

    async def facts(self, contender: str) -> Facts:
        known = self._known.get(contender)
        return known or await ask_facts(self._targets[contender])


async def ask_facts(target: Target) -> Facts:
    """What a server says of itself: its model, and vLLM its version too."""
    import msgspec

    from vconsole.engine.http.protocol import Version
    from vconsole.requests.bench.measure import first_model

    async with Transport(target.url, target.api_key) as transport:
        model = target.model or await first_model(transport)
        version = None
        with contextlib.suppress(TransportError, msgspec.MsgspecError):
            answer = await transport.get("/version", METRICS_TIMEOUT_S)
            if answer.status == 200:
                version = msgspec.json.decode(answer.body, type=Version).version
    return Facts(target.name, target.url, model, version)


async def _requests_running(target: Target) -> float | None:
    """What its engine works on now; None where it does not say."""
    try:
        async with Transport(target.url, target.api_key) as transport:
            answer = await transport.get("/metrics", METRICS_TIMEOUT_S)
    except TransportError as error:
        raise VConsoleError(
            f"{target.name} does not answer: {error.message}",
            "what was measured is kept",
            ExitCode.NO_SERVER,
        ) from error
    return parse(answer.body).requests_running if answer.status == 200 else None
