"""Carrying out a search on the terminal: told as it goes, ended well, decided by the user."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from vconsole import settings
from vconsole.cli.hanging_up import interrupted_by_signals
from vconsole.cli.measuring.tune_report import found_data, report_lines, trial_line
from vconsole.cli.measuring.workload import Workload
from vconsole.cli.output import duration, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.servers.follow import until_ended
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.resolve import resolve
from vconsole.requests.bench.model import ServiceLevel
from vconsole.supervisor.model import Operation
from vconsole.supervisor.tuning.alone import alone_with
from vconsole.supervisor.tuning.deciding import Written, last_written, name_for, take_back, write
from vconsole.supervisor.tuning.in_hand import TAKEN_OVER
from vconsole.supervisor.tuning.model import Setting, Trial
from vconsole.supervisor.tuning.session import Listener, Session, Wanted
from vconsole.supervisor.tuning.tuner import CannotGoOnError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Workload):
    """What the command line says, as it says it."""

    name: str = "main"
    concurrency: int = 32
    ttft_ms: float | None = None
    itl_ms: float | None = None
    only: tuple[str, ...] = ()
    most: int | None = None
    save: str | None = None
    yes: bool = False

    def wanted(self) -> Wanted:
        wished = settings.load().service_level
        return Wanted(
            source=self.source("tune"),
            load=self.load(),
            repeats=(self.repeats, self.repeats),
            level=ServiceLevel(
                self.ttft_ms or wished.ttft_p95_ms, self.itl_ms or wished.itl_p95_ms
            ),
            error_ratio=wished.error_ratio,
            knobs=self.only,
            most=self.most,
        )


def run(asked: Asked, as_json: bool) -> int:
    """Search, show, ask, write; whatever happens the server ends on the old setting or the new."""
    wanted = asked.wanted()
    with alone_with(asked.name), interrupted_by_signals():
        session = _session(asked.name)
        if session.resumed:
            trials = "trial" if session.resumed == 1 else "trials"
            say(f"going on after {session.resumed} {trials} of an earlier search")
        listener = Listener(lambda words: say(f"trying {words} …"), _tried)
        try:
            best = session.run(wanted, listener)
        except KeyboardInterrupt:
            _put_back(session)
            raise
        except VConsoleError as error:
            raise _with_way_back(session, error) from error
        try:
            return _decided(session, asked, best, as_json)
        except (KeyboardInterrupt, click.Abort):
            _put_back(session)
            raise


def undo(name: str, as_json: bool) -> int:
    """The old setting of a search that was cut short, or of the profile that was written last."""
    with alone_with(name):
        return _undone(name, as_json)


def _undone(name: str, as_json: bool) -> int:
    session = _session(name)
    if session.journal is not None:
        said = _given_back(session, name)
        session.journal.close("undone")
        profile = session.profile_name
    else:
        profile = last_written(name)
        if profile is None:
            raise VConsoleError(
                f"nothing was tuned on {name} that could be undone",
                "`vconsole profile list` shows the profiles there are",
                ExitCode.REFUSED,
                kind="nothing_to_undo",
            )
        take_back(profile)
        session.settle(Setting("as it was", resolve(profile).flags), profile)
        said = f"{profile} is what it was before it was tuned, and {name} runs it"
    if as_json:
        print_json({"undone": True, "profile": profile})
    else:
        say(said)
    return int(ExitCode.DONE)


def _given_back(session: Session, name: str) -> str:
    """What somebody else did to the server meanwhile stands; the search is over either way."""
    try:
        session.put_back()
    except CannotGoOnError as error:
        if error.kind != TAKEN_OVER:
            raise
        return f"{error.message}: that stands, and the search is over"
    return f"{name} runs as it did before the search"


def _decided(session: Session, asked: Asked, best: Trial, as_json: bool) -> int:
    journal = session.journal
    assert journal is not None
    trials, before = journal.trials, journal.header.before
    if not as_json:
        click.echo("\n".join(report_lines(trials, best)))
    written: Written | None = None
    name = asked.save or name_for(session.profile_name, journal.header.subject.served_name)
    if best.setting.flags == before.flags:
        session.put_back()
        decision, said = "nothing better", "nothing was better beyond the noise; it runs as before"
    elif _agreed(asked, name, best):
        written = write(name, session.old_profile(), best.setting.flags)
        session.settle(best.setting, name)
        decision, said = "written", _written_words(written, asked.name)
    else:
        session.put_back()
        decision, said = "kept the old", "nothing was written; it runs as before"
    kept = journal.close(decision, written.name if written else None)
    if as_json:
        print_json(found_data(trials, best, before, decision, written, kept))
    say(said)
    say(f"every trial is kept in {kept}")
    return int(ExitCode.DONE)


def _agreed(asked: Asked, name: str, best: Trial) -> bool:
    if asked.yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say("nobody is here to ask: with --yes it would have been written")
        return False
    shown = " ".join(best.setting.flags) or "no flag of its own"
    return click.confirm(f"Write {name}: {shown}?", default=True, err=True)


def _written_words(written: Written, name: str) -> str:
    undo = "vconsole tune --undo" + ("" if name == "main" else f" --name {name}")
    return (
        f"{name} runs {written.name} as written in {written.path}; what it was is kept as "
        f"{written.before}, and `{undo}` goes back to it"
    )


def _session(name: str) -> Session:
    client = reach_supervisor()

    def follow(operation: Operation) -> Operation:
        return until_ended(client, operation)[0]

    return Session(client, name, follow)


def _tried(trial: Trial) -> None:
    say(f"  {trial_line(trial)}  [{duration(trial.seconds)}]")


def _put_back(session: Session) -> None:
    say("\nputting back what ran before (Ctrl-C again leaves it); `vconsole tune` goes on later")
    try:
        session.put_back()
        say("it runs as before")
    except VConsoleError as error:
        say(f"warning: {error.message}; `vconsole tune --undo` tries again")


def _with_way_back(session: Session, error: VConsoleError) -> VConsoleError:
    """What ends a search early, told with what is left of it."""
    if session.journal is None or not session.journal.trials:
        return error
    left = "`vconsole tune` goes on where it was, `vconsole tune --undo` gives back what ran before"
    remedy = f"{error.remedy}; {left}" if error.remedy else left
    return VConsoleError(error.message, remedy, error.exit_code, error.kind)
