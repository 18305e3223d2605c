"""One user's server, brought to the moment at which a fault shall strike."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.faults import facts
from tests.faults.load import Load
from tests.faults.matrix import Moment, Who
from tests.support.home import Home, free_port, wait_until
from tests.support.terminal import Terminal

MODEL = "demo-lark"
# A start takes 20 s on two idle cores; tests share theirs.
LOAD_S = 240.0
STALL_BOUND_S = 15.0
STOP_BOUND_S = 60.0


class Scene:
    """A home with one server, `main`, on a port of its own."""

    def __init__(self, root: Path, engine: str) -> None:
        self.home = Home(root, engine)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.home.state / "servers" / "main" / "server.log"
        self._numbers = itertools.count(1)

    # --- what vconsole says ----------------------------------------------------------------------

    def server(self) -> dict[str, Any]:
        found = self.home.status()["server"]
        assert isinstance(found, dict)
        return found

    def is_in(self, *states: str) -> bool:
        return self.server()["state"] in states

    def until(self, state: str, timeout_s: float) -> float:
        """Wait for a state; returns the seconds that it took."""
        return self.until_one_of((state,), timeout_s)

    def until_one_of(self, states: tuple[str, ...], timeout_s: float) -> float:
        begun_s = time.monotonic()
        wait_until(f"state {' or '.join(states)}", lambda: self.is_in(*states), timeout_s)
        return time.monotonic() - begun_s

    # --- verbs -----------------------------------------------------------------------------------

    @property
    def start_command(self) -> tuple[str, ...]:
        return ("start", "demo", "--json", "--port", str(self.port))

    def be_ready(self) -> None:
        """Serve, by a start where nothing is under way."""
        if self.is_in("stopped", "failed"):
            ran = self.home.run(*self.start_command, timeout_s=LOAD_S)
            assert ran.code == 0, ran.err
        self.have_a_supervisor()
        self.until("ready", LOAD_S)
        assert facts.answers(self.url, MODEL)

    def be_stopped(self) -> None:
        self.home.run("stop")
        self.until("stopped", STOP_BOUND_S)
        facts.no_engine_is_left(self.home, self.port)

    def have_a_supervisor(self) -> None:
        """Any command that needs one starts it; this one is refused while a server runs."""
        if not self.home.status()["supervisor"]["alive"]:
            ran = self.home.run("ask", "Hello", "--max-tokens", "1")
            assert "Traceback" not in ran.err

    # --- the log ---------------------------------------------------------------------------------

    def mark(self, *, by_the_server: bool) -> tuple[str, ...]:
        """Numbered lines in the log: one of our own, one that vLLM writes of a request."""
        marks = [f"mark-{next(self._numbers):04d}-ours"]
        facts.append(self.log, marks[0])
        if by_the_server:
            marks.append(f"mark-{next(self._numbers):04d}-served")
            httpx.get(f"{self.url}/{marks[1]}", timeout=20)
            wait_until("the server's mark", lambda: marks[1] in self.log.read_text(), 10)
        return tuple(marks)

    def log_is_whole(self, marks: tuple[str, ...]) -> None:
        """Each mark is in the file once, in order, and `vconsole logs` shows the same."""
        written = [line for line in self.log.read_text(errors="replace").splitlines()]
        shown = self.home.run("logs", "-n", "1000000", "--grep", "mark-").out.splitlines()
        for lines in (written, shown):
            found = [mark for line in lines for mark in marks if mark in line]
            assert found == list(marks)

    # --- faults around the server ----------------------------------------------------------------

    def get(self, path: str, timeout_s: float = 10) -> Any:
        """What the supervisor answers on its socket, asked as `curl --unix-socket` would."""
        transport = httpx.HTTPTransport(uds=str(self.home.socket))
        with httpx.Client(transport=transport, timeout=timeout_s) as client:
            return client.get(f"http://localhost{path}").raise_for_status().json()

    def samples_within(self, seconds: float) -> int:
        """How many samples the supervisor takes meanwhile: one a second is its rhythm."""
        begun = datetime.now(UTC)
        time.sleep(seconds)
        kept = self.get(f"/v1/servers/main/history?seconds={seconds + 5}")
        return sum(datetime.fromisoformat(one["at"]) >= begun for one in kept)

    def kill_the_supervisor(self) -> None:
        for process in facts.supervisors(self.home):
            process.kill()
            process.wait(10)

    @contextmanager
    def unharmed(self) -> Iterator[dict[str, Any]]:
        """A server that goes on through the block as if nothing were: same process, same log."""
        self.be_ready()
        before = self.server()
        marks = self.mark(by_the_server=True)
        yield before
        self.have_a_supervisor()
        self.until("ready", STALL_BOUND_S)
        assert facts.one_whole_tree(self.home) == before["pid"]
        assert facts.answers(self.url, MODEL)
        assert len(facts.supervisors(self.home)) == 1
        after = self.server()
        assert (after["pid"], after["restarts"]) == (before["pid"], before["restarts"])
        self.log_is_whole((*marks, *self.mark(by_the_server=True)))

    # --- moments ---------------------------------------------------------------------------------

    @contextmanager
    def at(self, moment: Moment, *, console: bool = False) -> Iterator[Strike]:
        """The server at that moment, with a client that waits or follows."""
        with ExitStack() as stack:
            self._prepare(moment)
            if moment in {Moment.LOADED, Moment.STOPPING}:
                stack.enter_context(Load(self.url, MODEL))
            client = stack.enter_context(self._client(moment))
            self._until_it_is(moment)
            terminal = None
            if console:
                terminal = Terminal(self.home, 100, 30)
                stack.callback(terminal.close)
                terminal.wait_for("q leave")
            yield Strike(self, client, terminal)

    def _prepare(self, moment: Moment) -> None:
        if moment is Moment.STARTING:
            self.be_stopped()
        else:
            self.be_ready()

    @contextmanager
    def _client(self, moment: Moment) -> Iterator[subprocess.Popen[str]]:
        command = {Moment.STARTING: self.start_command, Moment.STOPPING: ("stop", "--json")}
        client = self.home.popen(*command.get(moment, ("logs", "-f")))
        try:
            yield client
        finally:
            if client.poll() is None:
                client.kill()
            client.communicate()

    def _until_it_is(self, moment: Moment) -> None:
        if moment is Moment.STARTING:
            wait_until("a Worker", lambda: facts.part(self.home, "Worker"), LOAD_S)
        elif moment is Moment.STOPPING:
            wait_until("stopping", lambda: self.is_in("stopping", "stopped"))
            assert facts.part(self.home, "Worker"), "the stop was quicker than the fault"


@dataclass(frozen=True)
class Strike:
    """Whom a fault can strike now."""

    scene: Scene
    client: subprocess.Popen[str]
    terminal: Terminal | None

    def victim(self, who: Who) -> psutil.Process:
        if who is Who.CLIENT:
            return psutil.Process(self.client.pid)
        if who is Who.CONSOLE:
            assert self.terminal
            return psutil.Process(self.terminal.console_pid())
        if who is Who.SUPERVISOR:
            (found,) = facts.supervisors(self.scene.home)
            return found
        part = facts.part(self.scene.home, str(who))
        assert part is not None, f"no {who}"
        return part
