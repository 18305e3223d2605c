"""Draws screens as SVG: `python -m tests.console.make_screenshots FOLDER` from the stand-in.

`take` is for whoever has a real server: it drives the console on a given socket.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from tests.console import figures_of_the_sketches as sketches
from tests.console.supervisor_stand_in import SupervisorStandIn
from vconsole.settings import Settings, UiSettings
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Status
from vconsole.tui.app import ConsoleApp, utc_now

Size = tuple[int, int]
Drive = Callable[[Pilot[None]], Awaitable[None]]
SIZES: tuple[Size, ...] = ((80, 24), (140, 45))


async def take(app: ConsoleApp, size: Size, drive: Drive, target: Path) -> None:
    """Run the console without a terminal, drive it, and write what it shows."""
    async with app.run_test(size=size) as pilot:
        await drive(pilot)
        target.write_text(app.export_screenshot(title="vconsole"), encoding="utf-8")


def keys(*presses: str, settle_s: float = 0.5) -> Drive:
    async def drive(pilot: Pilot[None]) -> None:
        await asyncio.sleep(settle_s)
        for press in presses:
            await pilot.press(press)
            await pilot.pause()
        await asyncio.sleep(settle_s)

    return drive


async def _scene(
    status: Status | None, drive: Drive, size: Size, target: Path, theme: str, ascii_only: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sock"
        peer = None
        if status is not None:
            peer = SupervisorStandIn(path, status, sketches.history(), sketches.ANSWER)
        ui = Settings(ui=UiSettings(theme=theme, ascii=ascii_only))
        app = ConsoleApp(path, chosen=ui, now=lambda: sketches.NOW, connect=SupervisorClient)
        await take(app, size, drive, target)
        if peer is not None:
            peer.end()


async def main(folder: Path, theme: str, ascii_only: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "main.log"
    log.write_text(sketches.LOG, encoding="utf-8")
    scenes: dict[str, tuple[Status | None, Drive]] = {
        "ready": (sketches.ready(log), keys()),
        "cpu": (sketches.on_a_cpu(log), keys()),
        "starting": (sketches.starting(log), keys()),
        "failed": (sketches.failed(log), keys()),
        "stopped": (sketches.stopped(log), keys()),
        "bare": (sketches.bare(), keys()),
        "lost": (None, keys()),
        "logs": (sketches.failed(log), keys("6")),
        "logs-filter": (sketches.failed(log), keys("6", "slash", *"model")),
        "logs-wrap": (sketches.failed(log), keys("6", "w", "e")),
        "help": (sketches.ready(log), keys("question_mark")),
        "stop": (sketches.ready(log), keys("S")),
        "palette": (sketches.ready(log), keys("ctrl+p")),
        "request": (
            sketches.ready(log),
            keys("3", *"Why a KV cache?".replace(" ", "~").replace("?", "~"), "enter"),
        ),
    }
    for name, (status, drive) in scenes.items():
        for size in SIZES:
            target = folder / f"{name}-{size[0]}x{size[1]}.svg"
            await _scene(status, drive, size, target, theme, ascii_only)


if __name__ == "__main__":
    theme = sys.argv[2] if len(sys.argv) > 2 else "vconsole-dark"
    asyncio.run(main(Path(sys.argv[1]), theme, "ascii" in sys.argv[3:]))
    print(f"drawn at {utc_now():%H:%M:%S}")
