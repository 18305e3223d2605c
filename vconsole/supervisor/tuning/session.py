"""One search on one server from its beginning, or from where it was, to what was found.

Everything it decides by is in the journal; the server is only ever changed through `ServerInHand`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import uvloop

from vconsole import settings
from vconsole.engine.find import require_engine
from vconsole.engine.options.reading import engine_options
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profile_flags import table_of
from vconsole.models.profiles import Profile, find_profile
from vconsole.requests.bench.measure import measure
from vconsole.requests.bench.model import Load, Measured, ServiceLevel, Target
from vconsole.requests.bench.plan import Source
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerState
from vconsole.supervisor.models.profiles import profile_of
from vconsole.supervisor.servers.starts.launch import own_flags
from vconsole.supervisor.tuning.ground import NO_CARD, Ground
from vconsole.supervisor.tuning.in_hand import (
    Follow,
    ServerInHand,
    launch_of,
    recipe_of,
    target_of,
    until_nothing_is_under_way,
)
from vconsole.supervisor.tuning.journal import Header, Journal, Subject, refuse_other
from vconsole.supervisor.tuning.knobs import knobs
from vconsole.supervisor.tuning.model import Knob, Setting, Trial
from vconsole.supervisor.tuning.prompts import Prompts, described, prompts_of
from vconsole.supervisor.tuning.search import search
from vconsole.supervisor.tuning.tuner import Hands, carry_out

AS_IT_WAS = "as it was"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is asked to do; `knobs` names the options to turn, none for all."""

    source: Source
    load: Load
    repeats: tuple[int, ...]
    level: ServiceLevel
    error_ratio: float
    knobs: tuple[str, ...] = ()
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told: `trying` before a trial, with its words; `tried` after it."""

    trying: Callable[[str], None]
    tried: Callable[[Trial], None]


class Session:
    """A search under way; `resumed` is how many trials an earlier one left."""

    def __init__(self, client: SupervisorClient, name: str, follow: Follow) -> None:
        self.client, self.name, self._follow = client, name, follow
        until_nothing_is_under_way(client, name)
        self._launch = launch_of(name)
        found = Journal.found(name)
        self.journal = found
        self.profile_name = found.header.profile if found else self._launch.profile
        self._profile = find_profile(self.profile_name) if self.profile_name else None
        self._hand = ServerInHand(client, name, recipe_of(self._launch, self._profile), follow)

    @property
    def resumed(self) -> int:
        return len(self.journal.trials) if self.journal else 0

    @property
    def before(self) -> Setting:
        """What ran when the search began."""
        if self.journal is None:
            return Setting(AS_IT_WAS, own_flags(self._launch))
        return self.journal.header.before

    def run(self, wanted: Wanted, listener: Listener) -> Trial:
        """Search to the end; what interrupts it leaves the journal."""
        if self.client.server(self.name).state is not ServerState.READY and not self.resumed:
            raise VConsoleError(
                f"{self.name} does not serve, and only a running server can be tuned",
                "start it first: vconsole start MODEL",
                ExitCode.NO_SERVER,
            )
        known = self.journal.header.lengths if self.journal else ()
        prompts = uvloop.run(prompts_of(wanted.source, wanted.load, self._target(), known))
        self.journal = journal = self._open(wanted, prompts)
        nonce = secrets.token_hex(3)

        def bring_up(setting: Setting) -> tuple[str, ...]:
            listener.trying(setting.words)
            return self._hand.bring_up(setting)

        def once(repeat: int) -> Measured:
            return uvloop.run(self._measured(wanted, prompts, nonce, repeat))

        return carry_out(
            search(journal.header.before, lambda best: self._knobs(best, wanted)),
            journal,
            Hands(bring_up, once, listener.tried),
            repeats=wanted.repeats,
            error_ratio=wanted.error_ratio,
            most=wanted.most,
        )

    def settle(self, setting: Setting, profile: str | None = None) -> None:
        """Make the server run it, whatever runs now; waits for what is under way."""
        until_nothing_is_under_way(self.client, self.name)
        self._hand.bring_up(setting, profile=profile)

    def put_back(self) -> None:
        """What ran when the search began, as the profile that it was, if any."""
        self.settle(self.before, self.profile_name)

    def old_profile(self) -> Profile:
        """What ran when the search began, as a profile."""
        if self._profile is not None:
            return self._profile
        ran = profile_of(self.client.server(self.name))
        return replace(ran, flags=table_of(self.before.flags))

    def _open(self, wanted: Wanted, prompts: Prompts) -> Journal:
        launch = self._launch
        subject = Subject(
            server=self.name,
            model=launch.model,
            served_name=launch.served_name,
            engine=launch.engine,
            workload=described(wanted.source),
            load=wanted.load,
            repeats=wanted.repeats,
            level=wanted.level,
            knobs=wanted.knobs,
        )
        if self.journal is not None:
            refuse_other(self.journal.header, subject)
            return self.journal
        lengths = prompts.lengths if wanted.source.history else ()
        now = datetime.now(UTC)
        return Journal.begin(Header(subject, self.before, now, launch.profile, lengths))

    def _knobs(self, best: Trial, wanted: Wanted) -> tuple[Knob, ...]:
        requests = sum(one.requests for one in best.series)
        read = sum(one.prompt_tokens for one in best.series)
        ground = Ground(
            flags=best.setting.flags,
            ran=best.ran,
            options=engine_options(require_engine(settings.load())),
            concurrency=wanted.load.concurrency or wanted.load.requests,
            prompt_tokens=read / requests if requests else 0.0,
            card=self._launch.card or replace(NO_CARD, is_cpu=self._launch.engine_device == "cpu"),
        )
        return knobs(ground, wanted.knobs)

    async def _measured(
        self, wanted: Wanted, prompts: Prompts, nonce: str, repeat: int
    ) -> Measured:
        workload = await prompts.workload(f"{nonce}.{repeat}")
        return await measure(
            self._target(), workload, wanted.load, level=wanted.level, repeat=repeat
        )

    def _target(self) -> Target:
        return target_of(self.name, self._launch)
