"""What the app needs only when it is looked at: each screen is imported at its first visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.command import Provider
from textual.screen import Screen

if TYPE_CHECKING:
    from vconsole.host.units import Scope
    from vconsole.supervisor.client import SupervisorClient
    from vconsole.supervisor.model import Status
    from vconsole.tui.background.hosting import HostLook
    from vconsole.tui.background.servicing import Page, ServiceLook


def commands() -> type[Provider]:
    from vconsole.tui.commands import ActionCommands

    return ActionCommands


def overview() -> Screen[None]:
    from vconsole.tui.screens.overview import OverviewScreen

    return OverviewScreen()


def models() -> Screen[None]:
    from vconsole.tui.screens.models import ModelsScreen

    return ModelsScreen()


def request() -> Screen[None]:
    from vconsole.tui.screens.request import RequestScreen

    return RequestScreen()


def batch() -> Screen[None]:
    from vconsole.tui.screens.batch import BatchScreen

    return BatchScreen()


def bench() -> Screen[None]:
    from vconsole.tui.screens.bench import BenchScreen

    return BenchScreen()


def events() -> Screen[None]:
    from vconsole.tui.screens.events import EventsScreen

    return EventsScreen()


def host() -> Screen[None]:
    from vconsole.tui.screens.host import HostScreen

    return HostScreen()


def service() -> Screen[None]:
    from vconsole.tui.screens.service import ServiceScreen

    return ServiceScreen()


def read_host(client: SupervisorClient, status: Status) -> HostLook:
    from vconsole.tui.background import hosting

    return hosting.read_host(client, status)


def read_service(scope: Scope, page: Page) -> ServiceLook:
    from vconsole.tui.background import servicing

    return servicing.read_service(scope, page)


def away() -> Screen[None]:
    from vconsole.tui.screens.away import AwayScreen

    return AwayScreen()


def logs() -> Screen[None]:
    from vconsole.tui.screens.logs import LogsScreen

    return LogsScreen()
