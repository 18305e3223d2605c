"""What the console asks of the supervisor: start, stop, restart, smoke test, each off the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Operation, ServerState, StartRequest
from vconsole.tui import figures
from vconsole.tui.background import deliver, in_background
from vconsole.tui.messages import VerbAccepted, VerbRefused
from vconsole.tui.view import View, address


class Verbs:
    """`pump` hears whether the supervisor accepted; how it went on shows in later snapshots."""

    def __init__(self, pump: MessagePump, socket_path: Path, server: str) -> None:
        self._pump = pump
        self._client = SupervisorClient(socket_path)
        self._server = server

    def start(self, model: str | None) -> None:
        request = StartRequest(model=model)
        self._send("start", lambda: self._client.start(self._server, request))

    def stop(self) -> None:
        self._send("stop", lambda: self._client.stop(self._server))

    def restart(self) -> None:
        self._send("restart", lambda: self._client.restart(self._server))

    def smoke(self) -> None:
        self._send("smoke test", lambda: self._client.smoke(self._server))

    def _send(self, verb: str, call: Callable[[], Operation]) -> None:
        def run() -> None:
            deliver(self._pump, _outcome(verb, call))

        in_background(f"verb-{verb}", run)


def _outcome(verb: str, call: Callable[[], Operation]) -> Message:
    try:
        return VerbAccepted(call())
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


def effects(view: View, again: bool) -> list[str]:
    """What a stop or restart does now, sentence by sentence."""
    said = [_requests(view)]
    if view.state is ServerState.FAILED:
        said = ["What is left of the failed server is cleared away."]
    elif view.state is not ServerState.READY:
        said = ["The start is given up; its processes end."]
    if again:
        command = " ".join(view.server.command) if view.server else ""
        said.append("Then it starts again" + (f": {command}" if command else "."))
    else:
        said.append("It is done when every process is gone and the port is free.")
    return said


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
