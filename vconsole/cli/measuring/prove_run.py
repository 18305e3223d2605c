"""Carrying out a proof on the terminal: told as it goes, everything given back however it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vconsole import settings
from vconsole.cli.hanging_up import interrupted_by_signals
from vconsole.cli.measuring.prove_report import report, require_places
from vconsole.cli.measuring.workload import Workload
from vconsole.cli.output import figure, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.servers.follow import until_ended
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.model import Measured
from vconsole.supervisor.model import Operation
from vconsole.supervisor.proving.card import card_of
from vconsole.supervisor.proving.journal import Journal
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.proving.rival import named_url
from vconsole.supervisor.proving.session import Listener, Session, Wanted
from vconsole.supervisor.tuning.alone import alone_with
from vconsole.supervisor.tuning.in_hand import TAKEN_OVER
from vconsole.supervisor.tuning.tuner import CannotGoOnError

Files = Mapping[str, Path | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Workload):
    """What the command line says, as it says it."""

    name: str = "main"
    against: str | None = None
    against_model: str | None = None
    concurrency: int = 16
    repeats: int = 5

    def wanted(self) -> Wanted:
        if self.against:
            named_url(self.against)
        return Wanted(
            source=self.source("prove"),
            load=self.load(),
            repeats=self.repeats,
            against=self.against,
            against_model=self.against_model,
        )


def run(asked: Asked, files: Files, as_json: bool) -> int:
    """Measure, put everything back, show the card."""
    wanted = asked.wanted()
    require_places(files)
    with alone_with(asked.name), interrupted_by_signals():
        session = _session(asked.name)
        if session.resumed:
            times = "repeat" if session.resumed == 1 else "repeats"
            say(f"going on after {session.resumed} {times} of an earlier proof")
        try:
            journal = session.run(wanted, Listener(say, _took))
        except KeyboardInterrupt:
            say("\nputting back what was before (Ctrl-C again leaves it)")
            _put_back(session)
            raise
        except VConsoleError as error:
            _put_back(session)
            raise _with_way_on(session, error) from error
        session.put_back()
        journal.close()
    report(card_of(journal, settings.load().prices), journal, files, as_json)
    say(f"every measurement is kept in {journal.path}")
    return int(ExitCode.DONE)


def show_last(name: str, files: Files, as_json: bool) -> int:
    journal = Journal.last(name)
    if journal is None:
        raise VConsoleError(
            f"nothing was proved on {name} yet", "vconsole prove", ExitCode.REFUSED, "no_proof"
        )
    report(
        card_of(journal, settings.load().prices, journal.header.begun_at), journal, files, as_json
    )
    return int(ExitCode.DONE)


def undo(name: str, as_json: bool) -> int:
    """Give back what a proof left changed that was cut short, and end it."""
    with alone_with(name), interrupted_by_signals():
        session = _session(name)
        if session.journal is None:
            raise VConsoleError(
                f"no proof of {name} is unfinished",
                "`vconsole ollama status` says what was taken from Ollama",
                ExitCode.REFUSED,
                kind="nothing_to_undo",
            )
        said = _given_back(session)
        session.journal.path.unlink(missing_ok=True)
    if as_json:
        print_json({"undone": True})
    else:
        say(said)
    return int(ExitCode.DONE)


def _given_back(session: Session) -> str:
    """What somebody else did to the server meanwhile stands; the proof is over either way."""
    try:
        session.put_back()
    except CannotGoOnError as error:
        if error.kind != TAKEN_OVER:
            raise
        return f"{error.message}: that stands, and Ollama has what it had"
    return f"{session.name} runs as it did before, and Ollama has what it had"


def _session(name: str) -> Session:
    client = reach_supervisor()

    def follow(operation: Operation) -> Operation:
        ended, _ = until_ended(client, operation)
        return ended

    return Session(client, name, follow)


def _took(leg: Leg, measured: Measured) -> None:
    rate = figure(measured.generation_tokens_per_s, " tok/s", 1)
    ttft = figure(measured.ttft_ms.p50, " ms", 1)
    failed = f", {measured.failed} failed" if measured.failed else ""
    say(f"  {leg}, {measured.repeat + 1}: {rate}, TTFT p50 {ttft}{failed}")


def _put_back(session: Session) -> None:
    if session.journal is None:
        return
    try:
        session.put_back()
        say("all is as before; `vconsole prove` goes on where it was")
    except VConsoleError as error:
        say(f"warning: {error.message}; `vconsole prove --undo` tries again")


def _with_way_on(session: Session, error: VConsoleError) -> VConsoleError:
    if session.journal is None or not session.resumed:
        return error
    left = "`vconsole prove` goes on where it was, `vconsole prove --undo` leaves it"
    remedy = f"{error.remedy}; {left}" if error.remedy else left
    return VConsoleError(error.message, remedy, error.exit_code, error.kind)
