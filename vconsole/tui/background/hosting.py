"""What the Host screen shows, read off the loop: the doctor, Ollama, the engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.doctor.check import Examination
from vconsole.supervisor.model import Status
from vconsole.supervisor.ollama.equivalents import Equivalent
from vconsole.supervisor.ollama.model import OllamaReport
from vconsole.tui.background import chores
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.background.chores import Chore


@dataclass(frozen=True, slots=True)
class HostLook:
    """One look; `unit` says how the supervisor runs, `previous` is the engine to go back to.

    `chore` is a command of ours that goes on in the background, or the last one.
    """

    examination: Examination
    ollama: OllamaReport | None = None
    engine: str = ""
    previous: str | None = None
    unit: str = ""
    chore: Chore | None = None


ReadHost = Callable[[SupervisorClient, Status], HostLook]


@dataclass
class HostArrived(Message):
    look: HostLook


@dataclass
class HostChanged(Message):
    """A change that was asked for is over; `error` says why where it was not done."""

    words: str
    error: VConsoleError | None = None
    ollama: OllamaReport | None = None


@dataclass
class UpgradePlanned(Message):
    """What an upgrade would install, a line for each fact; `error` says why there is none."""

    version: str = ""
    lines: tuple[str, ...] = ()
    error: VConsoleError | None = None


@dataclass
class EquivalentsArrived(Message):
    found: tuple[Equivalent, ...]


def read_host(client: SupervisorClient, status: Status) -> HostLook:
    """Read everything anew; a second at most, more where Ollama is slow to answer."""
    from vconsole.engine.find import current_engine, previous_engine
    from vconsole.supervisor.doctor.examine import examine
    from vconsole.supervisor.doctor.scene import look

    current, before = current_engine(), previous_engine()
    info = status.supervisor
    owner = f"the unit {info.unit}" if info.owner == "systemd" else "the user's own process"
    return HostLook(
        examination=examine(look(status)),
        ollama=_ollama(client),
        engine=current.path.name if current else "",
        previous=before.path.name if before and current and before.path != current.path else None,
        unit=f"{owner}, pid {info.pid}",
        chore=chores.look(),
    )


def read_in_background(
    pump: MessagePump, read: ReadHost, client: SupervisorClient, status: Status
) -> None:
    def run() -> None:
        deliver(pump, HostArrived(read(client, status)))

    in_background("host", run)


def change_in_background(pump: MessagePump, words: str, act: Callable[[], object]) -> None:
    """Carry out a change; the screen hears how it went."""

    def run() -> None:
        try:
            done = act()
        except VConsoleError as error:
            deliver(pump, HostChanged(words, error))
            return
        report = done if isinstance(done, OllamaReport) else None
        deliver(pump, HostChanged(words, ollama=report))

    in_background("host-change", run)


def plan_upgrade_in_background(pump: MessagePump) -> None:
    def run() -> None:
        deliver(pump, _planned_upgrade())

    in_background("upgrade-plan", run)


def _planned_upgrade() -> UpgradePlanned:
    """The newest vLLM for this host; asks the package index, which takes seconds."""
    from vconsole.engine.installing.plan import InstallRequest, make_plan
    from vconsole.host.cuda import cuda_facts
    from vconsole.supervisor.upgrading.upgrade import require_own_engine

    try:
        old = require_own_engine()
        plan = make_plan(InstallRequest(old.device), cuda_facts())
        if plan.path == old.path:
            raise VConsoleError(f"vLLM {old.version} is current already, and the newest there is")
    except VConsoleError as error:
        return UpgradePlanned(error=error)
    return UpgradePlanned(plan.build.version, plan.lines)


def read_equivalents_in_background(pump: MessagePump) -> None:
    def run() -> None:
        from vconsole.host.ollama.store import stored_models
        from vconsole.models.catalogue import load_catalogue
        from vconsole.supervisor.ollama.equivalents import equivalents

        deliver(pump, EquivalentsArrived(equivalents(stored_models(), load_catalogue())))

    in_background("equivalents", run)


def _ollama(client: SupervisorClient) -> OllamaReport | None:
    try:
        return client.ollama()
    except (VConsoleError, msgspec.MsgspecError):
        return None
