"""One proof on one server from its beginning, or from where it was, to its evidence.

Everything is in the journal; the server is only ever changed through `ServerInHand`, Ollama through
the ladder and its book, and both are given back whatever happens.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import uvloop

from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profiles import find_profile
from vconsole.requests.bench.host_facts import read_host
from vconsole.requests.bench.measure import measure
from vconsole.requests.bench.model import Load, Measured
from vconsole.requests.bench.plan import Source
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobState
from vconsole.supervisor.model import ServerState
from vconsole.supervisor.proving.asking import Questions
from vconsole.supervisor.proving.holding import our_side, their_side
from vconsole.supervisor.proving.journal import Header, Journal, Line, Subject, refuse_other
from vconsole.supervisor.proving.legs import RIVALS, WAYS, load_of
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.proving.prover import Hands, carry_out
from vconsole.supervisor.proving.rival import Rival, Sought, find_rival
from vconsole.supervisor.proving.room import Room, note
from vconsole.supervisor.proving.stages import SAMPLER, Course, Ground, Start, course
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.starts.launch import own_flags
from vconsole.supervisor.tuning.in_hand import (
    Follow,
    ServerInHand,
    launch_of,
    recipe_of,
    target_of,
    until_nothing_is_under_way,
)
from vconsole.supervisor.tuning.model import Setting
from vconsole.supervisor.tuning.prompts import described
from vconsole.supervisor.tuning.tuner import CannotGoOnError

COMMAND, AS_IT_WAS = "prove", "as it was"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a proof is asked to do; `load` is that of many at once."""

    source: Source
    load: Load
    repeats: int
    against: str | None = None
    against_model: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told: what is about to happen, in words, and each repeat as it ends."""

    doing: Callable[[str], None]
    took: Callable[[Leg, Measured], None]


class Session:
    """A proof under way; `resumed` is how many repeats an earlier one left."""

    def __init__(self, client: SupervisorClient, name: str, follow: Follow) -> None:
        self.client, self.name = client, name
        until_nothing_is_under_way(client, name)
        self._launch = launch_of(name)
        self.journal = found = Journal.found(name)
        self.profile_name = found.header.profile if found else self._launch.profile
        profile = find_profile(self.profile_name) if self.profile_name else None
        recipe = recipe_of(self._launch, profile)
        self._hand = ServerInHand(client, name, recipe, follow, COMMAND)
        self._hand.at_rest = found.rests if found else False

    @property
    def resumed(self) -> int:
        return self.journal.repeats_done if self.journal else 0

    def run(self, wanted: Wanted, listener: Listener) -> Journal:
        """Measure all that this host allows; what interrupts it leaves the journal."""
        self._require_ready()
        questions = uvloop.run(self._questions(wanted))
        journal = self.journal = self._open(wanted, questions)
        plan = self._course(journal)
        room = self._room(journal)
        listener.doing(_course_words(journal))
        if made := room.make():
            listener.doing(f"Ollama lets go of {', '.join(made)} meanwhile")

        def prepare(ground: Ground) -> None:
            self._prepare(ground, room, listener)

        def measured(leg: Leg, repeat: int, salt: str) -> Measured:
            found = uvloop.run(self._measured(leg, repeat, salt, wanted.load, questions))
            listener.took(leg, found)
            return found

        carry_out(plan, journal, Hands(prepare, measured, self._look), secrets.token_hex(3))
        return journal

    def put_back(self) -> None:
        """Our server as it was, then Ollama as it was; the first error after both were tried."""
        if self.journal is None:
            return
        room, trouble = self._room(self.journal), list[VConsoleError]()
        make_way = (room.dismiss_guest,) if self._hand.at_rest else ()
        for step in (*make_way, self._as_it_was, room.give_back):
            try:
                step()
            except VConsoleError as error:
                trouble.append(error)
        if trouble:
            raise next((one for one in trouble if not isinstance(one, CannotGoOnError)), trouble[0])

    def _as_it_was(self) -> None:
        until_nothing_is_under_way(self.client, self.name)
        assert self.journal is not None
        ground = _start(self.journal.header, self._launch.flags, "").as_it_was
        self._bring_up(ground, self.profile_name)

    def _require_ready(self) -> None:
        if self.journal is not None:
            self._as_it_was()
        if self.client.server(self.name).state is not ServerState.READY:
            raise VConsoleError(
                f"{self.name} does not serve, and only a running server can be measured",
                "start it first: vconsole start MODEL",
                ExitCode.NO_SERVER,
            )
        at_work = (JobState.QUEUED, JobState.RUNNING)
        for job in self.client.jobs():
            if job.url is None and job.server == self.name and job.state in at_work:
                raise VConsoleError(
                    f"job {job.id} works on {self.name}, and would be measured with it",
                    f"wait for its end, or: vconsole batch pause {job.id}",
                    ExitCode.REFUSED,
                    kind="job_at_work",
                )

    def _open(self, wanted: Wanted, questions: Questions) -> Journal:
        if self.journal is not None:
            refuse_other(self.journal.header, self._subject(wanted, self.journal.header.rival))
            return self.journal
        launch, report = self._launch, self.client.ollama()
        device = launch.engine_device or "cuda"
        sought = Sought(wanted.against, wanted.against_model, launch.model, device)
        found = uvloop.run(find_rival(sought, report))
        header = Header(
            subject=self._subject(wanted, found.rival),
            before=Setting(AS_IT_WAS, own_flags(launch)),
            begun_at=datetime.now(UTC),
            ours=our_side(self.name, launch),
            rival=found.rival,
            profile=launch.profile,
            sampler_given=record.readable_environment(self.name).get(SAMPLER),
            ollama=note(report),
            host=read_host(),
            lengths=questions.lengths if wanted.source.history else (),
            notes=found.notes,
        )
        plan = course(_start(header, launch.flags, device), found.rival, found.why_none)
        return Journal.begin(replace(header, missing=dict(plan.missing)))

    def _subject(self, wanted: Wanted, rival: Rival | None) -> Subject:
        launch = self._launch
        return Subject(
            server=self.name,
            model=launch.model,
            served_name=launch.served_name,
            engine=launch.engine,
            rival_url=wanted.against or (rival.url if rival else None),
            rival_model=wanted.against_model or (rival.model if rival else None),
            workload=described(wanted.source),
            load=wanted.load,
            repeats=wanted.repeats,
        )

    def _course(self, journal: Journal) -> Course:
        launch = launch_of(self.name)
        start = _start(journal.header, launch.flags, launch.engine_device or "cuda")
        return course(start, journal.header.rival)

    async def _questions(self, wanted: Wanted) -> Questions:
        server, target = self.client.server(self.name), target_of(self.name, self._launch)
        known = self.journal.header.lengths if self.journal else ()
        return await Questions.of(wanted.source, wanted.load, target, server.max_model_len, known)

    def _prepare(self, ground: Ground, room: Room, listener: Listener) -> None:
        if ground.rests:
            if not self._hand.at_rest:
                listener.doing(f"{self.name} rests, so that the other has the machine to itself …")
                self._say_rests(True)
                self._hand.rest()
            return
        if self._hand.at_rest:
            room.dismiss_guest()
        if ground.setting.words != AS_IT_WAS or self._hand.at_rest:
            listener.doing(f"{self.name} {ground.setting.words} …")
        self._bring_up(ground)

    def _bring_up(self, ground: Ground, profile: str | None = None) -> None:
        self._hand.bring_up(ground.setting, profile=profile, env=ground.env, unset=ground.unset)
        if self.journal is not None and self.journal.rests:
            self._say_rests(False)

    def _say_rests(self, rests: bool) -> None:
        assert self.journal is not None
        self.journal.add(Line(rests=rests))

    async def _measured(
        self, leg: Leg, repeat: int, salt: str, batched: Load, questions: Questions
    ) -> Measured:
        workload = await questions.workload(leg, salt)
        assert self.journal is not None
        rival = self.journal.header.rival
        ours = target_of(self.name, self._launch)
        target = rival.target if rival and leg in RIVALS else ours
        load = load_of(leg, batched)
        return await measure(target, workload, load, warmth=WAYS[leg].warmth, repeat=repeat)

    def _look(self, leg: Leg) -> None:
        """What either holds, once it has had many requests at once."""
        assert self.journal is not None
        rival = self.journal.header.rival
        if leg is Leg.BATCHED:
            self.journal.add(Line(ours=our_side(self.name, launch_of(self.name))))
        elif leg is Leg.RIVAL_BATCHED and rival is not None:
            on_cards = self._launch.engine_device == "cuda"
            self.journal.add(Line(rival=their_side(rival, on_cards)))

    def _room(self, journal: Journal) -> Room:
        header = journal.header
        rival = header.rival
        guest = rival.model if rival and rival.is_ollama else None
        return Room(self.client, header.ollama, guest)


def _course_words(journal: Journal) -> str:
    rival = journal.header.rival
    if rival is None:
        why = journal.missing.get(Leg.RIVAL_BATCHED, "there is no other server")
        return f"{why}; only what needs no other server is measured"
    turns = "in turns" if rival.beside else "one after the other, for both need the card"
    return f"against {rival.name} ({rival.model or 'its model'}) at {rival.url}, {turns}"


def _start(header: Header, ran: tuple[str, ...], device: str) -> Start:
    return Start(header.before, ran, device, header.sampler_given)
