"""Draws the console as SVG: `python -m tests.console.make_screenshots FOLDER [--socket PATH]`.

With a socket, the overview and a request of the real server behind it; else every scene of the
stand-in, at both sizes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from tests.console import figures_of_the_sketches as sketches
from tests.console.supervisor_stand_in import SupervisorStandIn
from vconsole.settings import Settings, UiSettings
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Status
from vconsole.tui.app import ConsoleApp

Size = tuple[int, int]
Drive = Callable[[Pilot[None]], Awaitable[None]]
SIZES: tuple[Size, ...] = ((80, 24), (140, 45))
REAL_SIZE = (100, 30)
SEEN_S = 3.0
ANSWERED_S = 8.0
PROMPT = "What is a KV cache for?"


async def take(app: ConsoleApp, size: Size, drive: Drive) -> str:
    """Run the console without a terminal, drive it, and return what it shows as SVG."""
    async with app.run_test(size=size) as pilot:
        await drive(pilot)
        return app.export_screenshot(title="vconsole")


def pressing(*presses: str, settle_s: float = 0.5) -> Drive:
    """Wait for the first snapshot, press the keys, wait for what they bring."""

    async def drive(pilot: Pilot[None]) -> None:
        await asyncio.sleep(settle_s)
        await pilot.press(*presses)
        await asyncio.sleep(settle_s)

    return drive


def typed(text: str) -> tuple[str, ...]:
    """The keys that write `text`."""
    names = {" ": "space", "?": "question_mark", "/": "slash", ".": "full_stop", "-": "minus"}
    return tuple(names.get(character, character) for character in text)


def scenes(folder: Path) -> dict[str, tuple[Status | None, Drive]]:
    """Each scene's status, None for no supervisor, and its keys; logs are written to `folder`."""
    logs = {
        "start.log": sketches.START_LOG,
        "failed.log": sketches.FAILED_LOG,
        "good.log": sketches.HEALTHY_LOG,
    }
    for name, text in logs.items():
        (folder / name).write_text(text, encoding="utf-8")
    ready = sketches.ready(folder / "good.log")
    failed = sketches.failed(folder / "failed.log")
    return {
        "overview": (ready, pressing()),
        "cpu": (sketches.on_a_cpu(folder / "good.log"), pressing()),
        "starting": (sketches.starting(folder / "start.log"), pressing()),
        "failed": (failed, pressing()),
        "stopped": (sketches.stopped(folder / "good.log"), pressing()),
        "bare": (sketches.bare(), pressing()),
        "no-supervisor": (None, pressing()),
        "logs": (failed, pressing("6")),
        "logs-filter": (failed, pressing("6", "slash", *"kv")),
        "logs-wrap": (failed, pressing("6", "w", "e")),
        "help": (ready, pressing("question_mark")),
        "stop": (ready, pressing("S")),
        "palette": (ready, pressing("ctrl+p")),
        "request": (ready, pressing("3", *typed(PROMPT), "enter")),
    }


def draw(status: Status | None, drive: Drive, size: Size, ui: UiSettings) -> str:
    """One scene, with a stand-in of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sock"
        peer = (
            SupervisorStandIn(path, status, sketches.history(), sketches.ANSWER) if status else None
        )
        app = ConsoleApp(
            path, chosen=Settings(ui=ui), now=lambda: sketches.NOW, connect=SupervisorClient
        )
        try:
            return asyncio.run(take(app, size, drive))
        finally:
            if peer is not None:
                peer.end()


def main(folder: Path, ui: UiSettings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (status, drive) in scenes(folder).items():
        for size in SIZES:
            target = folder / f"{name}-{size[0]}x{size[1]}.svg"
            target.write_text(draw(status, drive, size, ui), encoding="utf-8")


def draw_real(folder: Path, socket_path: Path) -> None:
    """`overview.svg` and `request.svg` of the server that the supervisor on that socket owns."""
    asking = pressing("3", *typed(PROMPT), "enter", settle_s=ANSWERED_S)
    for name, drive in (("request", asking), ("overview", pressing(settle_s=SEEN_S))):
        svg = asyncio.run(take(ConsoleApp(socket_path), REAL_SIZE, drive))
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--socket", type=Path, help="a supervisor's socket: draw its real server")
    parser.add_argument("--theme", default="vconsole-dark")
    parser.add_argument("--ascii", action="store_true")
    given = parser.parse_args()
    if given.socket is not None:
        draw_real(given.folder, given.socket)
    else:
        main(given.folder, UiSettings(theme=given.theme, ascii=given.ascii))
