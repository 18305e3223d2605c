"""What the models screen asks for off the loop: listing, pulls, removals; answers as messages."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.models.fit.ledger_file import read_by_model
from vconsole.models.hub.cache import cache_folder
from vconsole.models.listing import list_models
from vconsole.models.rows import Listing
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import PullRequest, RemovedModel, RemoveRequest
from vconsole.supervisor.models.cards import TargetCard
from vconsole.supervisor.models.pull_record import hub_environment
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.messages import VerbAccepted, VerbRefused

# A cache on a slow disk takes its time to be removed.
PATIENCE_S = 120.0


@dataclass
class ListingArrived(Message):
    listing: Listing


@dataclass
class RemovalArrived(Message):
    """What a removal would free, or has freed."""

    removed: RemovedModel


class Modelling:
    """`screen` receives the answers, `app` what became of verbs."""

    def __init__(self, screen: MessagePump, app: MessagePump, socket_path: Path) -> None:
        self._screen = screen
        self._app = app
        self._client = SupervisorClient(socket_path, timeout_s=PATIENCE_S)

    def read(self, target: TargetCard | None) -> None:
        def run() -> Message:
            card = target.card if target else None
            bandwidth = target.bandwidth_bytes_per_s if target else None
            return ListingArrived(list_models(card, bandwidth, read_by_model()))

        self._send("reading the models", run)

    def pull(self, name: str) -> None:
        cache = {"HF_HUB_CACHE": str(cache_folder().absolute())}
        request = PullRequest(name, hub_environment(dict(os.environ)) | cache)
        self._send("pull", lambda: VerbAccepted(self._client.pull(request)))

    def cancel(self, number: str) -> None:
        self._send("cancel", lambda: VerbAccepted(self._client.cancel_pull(number)))

    def remove(self, name: str, dry_run: bool) -> None:
        request = RemoveRequest(name, str(cache_folder().absolute()), dry_run)
        self._send("remove", lambda: RemovalArrived(self._client.remove_model(request)))

    def _send(self, verb: str, call: Callable[[], Message]) -> None:
        def run() -> None:
            try:
                answer = call()
            except VConsoleError as error:
                answer = VerbRefused(verb, error)
            own = isinstance(answer, ListingArrived | RemovalArrived)
            deliver(self._screen if own else self._app, answer)

        in_background(f"models-{verb}", run)
