"""Opens the console on this terminal, and says what leaving it leaves behind."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from textual import constants

from vconsole import settings
from vconsole.errors import ExitCode, VConsoleError
from vconsole.tui.app import ConsoleApp

AFTERWARDS = "The server keeps running: `vconsole` attaches again, `vconsole stop` stops it.\n"


def run(socket_path: Path, name: str = "main", readonly: bool = False, alone: bool = False) -> int:
    """Open the console and return its exit code; refuses what is no terminal."""
    # Another driver than the terminal's is that of a browser.
    if constants.DRIVER is None:
        _need_a_terminal()
    chosen = _as_the_terminal_can(settings.load())
    app = ConsoleApp(socket_path, name, readonly, alone, chosen)
    app.link.open()
    app.run(mouse=chosen.ui.mouse)
    view = app.session.view()
    if app.return_code == 0 and view.serving and not app.is_web:
        sys.stdout.write(AFTERWARDS)
        sys.stdout.write(f"But {view.survival_note}\n" if view.survival_note else "")
    return app.return_code or 0


def _as_the_terminal_can(chosen: settings.Settings) -> settings.Settings:
    """The font of Linux's own console has neither our graphs nor our marks."""
    if os.environ.get("TERM") != "linux":
        return chosen
    return replace(chosen, ui=replace(chosen.ui, ascii=True))


def _need_a_terminal() -> None:
    fault = None
    if os.environ.get("TERM", "dumb") in ("dumb", ""):
        fault = "this terminal (TERM=dumb) cannot show the console"
    elif not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        fault = "the console needs a terminal, and there is none"
    if fault is not None:
        raise VConsoleError(fault, "`vconsole status` prints the same as text", ExitCode.USAGE)
