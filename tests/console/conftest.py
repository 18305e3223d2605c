"""The console over a stand-in, in a folder of its own, with a frozen clock."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console import figures_of_a_host
from tests.console import figures_of_the_sketches as sketches
from tests.console.supervisor_stand_in import SupervisorStandIn
from vconsole.settings import Settings, UiSettings
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Status
from vconsole.tui.app import ConsoleApp
from vconsole.tui.background.hosting import HostLook
from vconsole.tui.background.servicing import ReadService
from vconsole.tui.view import Link

SOCKET = Path("s.sock")
Condition = Callable[[], bool]


@dataclass
class Stage:
    """Paths are relative to a folder of its own, so that no screen shows where it lies."""

    peers: list[SupervisorStandIn] = field(default_factory=list)
    look: HostLook = figures_of_a_host.LOOK
    read_service: ReadService = figures_of_a_host.service

    @property
    def peer(self) -> SupervisorStandIn:
        return self.peers[-1]

    def supervise(self, status: Status) -> SupervisorStandIn:
        """Put a stand-in on the socket."""
        self.peers.append(SupervisorStandIn(SOCKET, status, sketches.history(), sketches.ANSWER))
        return self.peer

    def console(
        self,
        readonly: bool = False,
        ascii_only: bool = False,
        name: str = "main",
        alone: bool = False,
    ) -> ConsoleApp:
        """A console that starts no supervisor, at the moment of the sketches."""
        return ConsoleApp(
            SOCKET,
            name,
            readonly=readonly,
            alone=alone,
            chosen=Settings(ui=UiSettings(ascii=ascii_only)),
            now=lambda: sketches.NOW,
            connect=SupervisorClient,
            read_host=lambda client, status: self.look,
            read_service=self.read_service,
        )


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        monkeypatch.setenv("XDG_STATE_HOME", f"{folder}/state")
        Path("start.log").write_text(sketches.START_LOG, encoding="utf-8")
        Path("failed.log").write_text(sketches.FAILED_LOG, encoding="utf-8")
        Path("good.log").write_text(sketches.HEALTHY_LOG, encoding="utf-8")
        stage = Stage()
        yield stage
        for peer in stage.peers:
            peer.end()
        monkeypatch.undo()
    time.tzset()


async def until(pilot: Pilot[None], condition: Condition, what: str, timeout_s: float = 8) -> None:
    """Wait until the console has come so far."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        await pilot.pause(0.02)
    await pilot.pause()


async def asked(stage: Stage, pilot: Pilot[None], verb: str) -> tuple[str, Any]:
    """The verb that was sent, once it was: of which job, with what."""
    await until(pilot, lambda: verb in [sent for sent, _ in stage.peer.asked], f"{verb} was sent")
    at = [sent for sent, _ in stage.peer.asked].index(verb)
    return stage.peer.asked_of[at], stage.peer.asked[at][1]


def copied() -> str:
    """What was copied last, as the file beside the terminal's clipboard has it."""
    path = Path("state/vconsole/copied.txt")
    return path.read_text() if path.exists() else ""


async def until_live(pilot: Pilot[None]) -> None:
    """Wait until the first snapshot is drawn."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await until(pilot, lambda: app.session.view().status is not None, "a snapshot came")


async def until_lost(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await until(pilot, lambda: app.session.link is Link.LOST, "the link was lost")


def toasts(app: ConsoleApp) -> list[str]:
    """Title and text of the toasts on show."""
    return [f"{toast.title} {toast.message}" for toast in app._notifications]


def painted(app: ConsoleApp) -> str:
    """What the screen in use shows, as text."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines)


def after(
    *steps: Callable[[Pilot[None]], Awaitable[object]],
) -> Callable[[Pilot[None]], Awaitable[None]]:
    """For `snap_compare`: the steps, then a moment for the last repaint."""

    async def run(pilot: Pilot[None]) -> None:
        for step in steps:
            await step(pilot)
        await asyncio.sleep(0.15)
        await pilot.pause()

    return run
