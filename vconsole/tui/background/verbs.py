"""What the console asks of the supervisor: start, stop, restart, smoke test, each off the loop."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import (
    JobsRule,
    Operation,
    ServerState,
    StartRequest,
    SwapRequest,
)
from vconsole.tui.advice.acting import Deed
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.drawing import figures
from vconsole.tui.messages import VerbAccepted, VerbDone, VerbRefused
from vconsole.tui.view import View, address

RULE_WORDS = {
    JobsRule.PAUSE: "{jobs} {are} paused, and goes on when this model is back.",
    JobsRule.WAIT: "The swap waits until {jobs} {are} done; this model serves until then.",
    JobsRule.REFUSE: "The swap is refused while {jobs} {are} at work.",
}


class Verbs:
    """`pump` hears whether the supervisor accepted; how it went on shows in later snapshots."""

    def __init__(self, pump: MessagePump, socket_path: Path, server: str) -> None:
        self._pump = pump
        self._client = SupervisorClient(socket_path)
        self._server = server
        self.last_start = StartRequest()

    def start(
        self,
        model: str | None,
        flags: tuple[str, ...] = (),
        change: tuple[str, ...] = (),
        anyway: bool = False,
    ) -> None:
        """Start a model or profile, or the last one again, with flags of it changed."""
        request = StartRequest(model=model, flags=flags, change=change, anyway=anyway)
        self.last_start = request
        self._send("start", lambda: self._client.start(self._server, request))

    def start_anyway(self) -> None:
        """The last start that was asked for here, whatever speaks against it."""
        self.start(self.last_start.model, self.last_start.change, anyway=True)

    def stop(self) -> None:
        self._send("stop", lambda: self._client.stop(self._server))

    def restart(self, changes: tuple[str, ...] = ()) -> None:
        self._send("restart", lambda: self._client.restart(self._server, changes))

    def swap(self, model: str, jobs: JobsRule = JobsRule.REFUSE) -> None:
        request = SwapRequest(model=model, jobs=jobs, when_idle=jobs is JobsRule.WAIT)
        self._send("swap", lambda: self._client.swap(self._server, request))

    def smoke(self) -> None:
        self._send("smoke test", lambda: self._client.smoke(self._server))

    def do(self, deed: Deed) -> None:
        """Carry out what was advised; nothing of it goes on afterwards."""

        def call() -> Message:
            deed.act(self._client)
            return VerbDone(deed.done)

        self._deliver(deed.verb, call)

    def _send(self, verb: str, call: Callable[[], Operation]) -> None:
        self._deliver(verb, lambda: VerbAccepted(call()))

    def _deliver(self, verb: str, call: Callable[[], Message]) -> None:
        def run() -> None:
            deliver(self._pump, _outcome(verb, call))

        in_background(f"verb-{verb}", run)


def _outcome(verb: str, call: Callable[[], Message]) -> Message:
    try:
        return call()
    except VConsoleError as error:
        return VerbRefused(verb, error)
    except msgspec.MsgspecError as error:
        return VerbRefused(verb, VConsoleError(f"the supervisor's answer makes no sense: {error}"))


def target(view: View) -> str:
    """The object of a dangerous action, as its question names it."""
    server = view.server
    if server is None:
        return "the server"
    where = address(server)
    return f"{view.model or server.name}" + (f" on {where}" if where else "")


def effects(view: View, again: bool, changes: tuple[str, ...] = ()) -> list[str]:
    """What a stop or restart does now, sentence by sentence; `changes` are flags given anew."""
    said = [_requests(view)]
    if view.state is ServerState.FAILED:
        said = ["What is left of the failed server is cleared away."]
    elif view.state is not ServerState.READY:
        said = ["The start is given up; its processes end."]
    if again:
        command = shlex.join(_changed(view.server.command, changes)) if view.server else ""
        said.append("Then it starts again" + (f": {command}" if command else "."))
        if changes:
            said.append(f"New in it: {' '.join(changes)}")
    else:
        said.append("It is done when every process is gone and the port is free.")
        name = view.server.name if view.server else "main"
        said.append("The same as: vconsole stop" + (f" --name {name}" if name != "main" else ""))
    return said


def _changed(command: tuple[str, ...], changes: tuple[str, ...]) -> tuple[str, ...]:
    """The command line with these flags in it."""
    if not changes:
        return command
    from vconsole.engine.command.flags import is_flag, replaced

    begins = next((i for i, word in enumerate(command) if is_flag(word)), len(command))
    return (*command[:begins], *replaced(command[begins:], changes))


def running_jobs(view: View) -> list[str]:
    """Ids of the jobs that work on this server now."""
    if view.status is None or view.server is None:
        return []
    ours = (job for job in view.status.jobs if job.server == view.server.name)
    return [job.id for job in ours if job.state == "running"]


def swap_effects(view: View, model: str, rule: JobsRule, more: tuple[str, ...] = ()) -> list[str]:
    """What a swap to `model` does now, `more` about that, and the command that does the same."""
    jobs = running_jobs(view)
    said = [_requests(view), "New ones get a 503 meanwhile, or wait where the profile says so."]
    if jobs:
        are = "are" if len(jobs) > 1 else "is"
        said.append(RULE_WORDS[rule].format(jobs=", ".join(jobs), are=are) + "  (j: another way)")
    said += [*_wakes(view, model), *more]
    name = view.server.name if view.server else "main"
    words = ["vconsole", "swap", model, *(() if name == "main" else ("--name", name))]
    words += ["--jobs", rule.value] if jobs else []
    return [
        *said,
        "If the new model fails its start or its smoke test, this one is put back.",
        f"The same as: {shlex.join(words)}",
    ]


def _wakes(view: View, model: str) -> list[str]:
    """That it sleeps already, where it does."""
    sleepers = view.server.sleepers if view.server else ()
    asleep = any(model in {one.model, one.served_name, one.profile} for one in sleepers)
    return [f"{model} sleeps: it is woken, not loaded."] if asleep else []


def _requests(view: View) -> str:
    metrics = view.status.metrics if view.status else None
    if metrics is None or metrics.requests_running is None:
        return "Requests in flight get some seconds to finish; what is left then fails."
    flying = int(metrics.requests_running + (metrics.requests_waiting or 0))
    if not flying:
        return "No request is in flight."
    are = "is" if flying == 1 else "are"
    return (
        f"{figures.plural(flying, 'request')} {are} in flight. They get some seconds to finish;"
        " what is left then fails."
    )
