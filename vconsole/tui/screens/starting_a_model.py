"""Starting the marked model after showing what will run; replacing one takes another key."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vconsole.models.rows import ModelRow
from vconsole.supervisor.model import ServerState, StartRequest
from vconsole.supervisor.servers.starts import launch
from vconsole.tui.screens.review import ReviewScreen
from vconsole.tui.screens.swap import SwapScreen

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp

STARTABLE = frozenset({ServerState.STOPPED, ServerState.FAILED})


def start_model(app: ConsoleApp, row: ModelRow) -> None:
    """Show the command line and start it when that is confirmed."""
    model = row.path if row.source == "folder" and row.path else row.name
    flags = row.plan.arguments if row.plan else ()
    request = StartRequest(model=model, flags=flags)
    if app.session.view().state not in STARTABLE:
        _replace(app, row, model)
        return
    prepared = launch.prepare(request, None, app.server_name)
    effects = [shlex.join(prepared.launch.command), "", *_said(row, "vLLM downloads it first")]
    question = ReviewScreen("Start this?", row.name, effects, "Start")
    app.push_screen(question, lambda yes: app.verbs.start(model, flags) if yes else None)


def _replace(app: ConsoleApp, row: ModelRow, model: str) -> None:
    """Swap to it, after the question that a swap asks anywhere."""
    question = SwapScreen(app.session.view(), model, tuple(_said(row, "vconsole fetches it first")))
    app.push_screen(question, lambda rule: app.verbs.swap(model, rule) if rule else None)


def _said(row: ModelRow, who: str) -> list[str]:
    said = [f"The plan says: {row.verdict}."]
    if not row.on_disk:
        size = f" ({row.bytes / 1e9:.1f} GB)" if row.bytes else ""
        said.append(f"It is not here yet: {who}{size}; p pulls it beforehand.")
    return said
