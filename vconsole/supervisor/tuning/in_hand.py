"""One server brought from setting to setting by the supervisor's swap, which takes back what fails.

Where the server has died meanwhile it is started instead; one that somebody else stopped, or made
serve another model, is left alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vconsole.engine.command.command import passed_on
from vconsole.errors import ErrorBody, ExitCode, VConsoleError
from vconsole.models.profiles import Profile
from vconsole.requests.bench.model import Target
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import (
    Desired,
    JobsRule,
    Operation,
    ServerState,
    ServerStatus,
    StartRequest,
    SwapRequest,
)
from vconsole.supervisor.models.profiles import DEVICES
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts.launch import own_flags
from vconsole.supervisor.tuning.model import Setting
from vconsole.supervisor.tuning.tuner import CannotGoOnError, UnfitError

Follow = Callable[[Operation], Operation]
POLL_S = 0.3
# The kind of the error where somebody else changed the server meanwhile.
TAKEN_OVER = "taken_over"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What stays the same from setting to setting; `env` are variables of its profile."""

    model: str
    served_name: str
    port: int
    env: Mapping[str, str] = field(default_factory=dict)
    holds_requests: bool | None = None


class ServerInHand:
    """`follow` waits for the end of an operation; `command` is who has the server in hand.

    `at_rest` is whether we stopped it ourselves, and may start it again.
    """

    def __init__(
        self,
        client: SupervisorClient,
        name: str,
        recipe: Recipe,
        follow: Follow,
        command: str = "tune",
    ) -> None:
        self._client, self._name, self._recipe, self._follow = client, name, recipe, follow
        self._command = command
        self.at_rest = False

    def bring_up(
        self,
        setting: Setting,
        *,
        profile: str | None = None,
        env: Mapping[str, str] | None = None,
        unset: tuple[str, ...] = (),
    ) -> tuple[str, ...]:
        """Make it serve with these flags, as a `profile` where one is named; returns all it got.

        `env` are variables beside those of the recipe, `unset` such as it is not to keep.
        `UnfitError` where it was refused before anything was stopped, `CannotGoOnError` where the
        setting is not to blame; any other error says why it failed, and what served before serves.
        """
        launch = launch_of(self._name)
        if launch.model != self._recipe.model:
            raise self._taken(f"{self._name} serves {launch.served_name} now")
        server = self._client.server(self._name)
        if server.desired is Desired.STOPPED and not self.at_rest:
            raise self._taken(f"{self._name} was stopped")
        serves = server.state is ServerState.READY
        named = profile in (None, launch.profile)
        if serves and named and own_flags(launch) == setting.flags and self._has(env, unset):
            return launch.flags
        change = self._swap if serves else self._start
        ended = self._follow(change(setting, profile or self._recipe.model, env or {}, unset))
        if ended.error:
            raise self._trouble(ended, ended.error)
        self.at_rest = False
        return launch_of(self._name).flags

    def rest(self) -> None:
        """Stop it, so that another has the machine to itself; `bring_up` starts it again."""
        self.at_rest = True
        ended = self._follow(self._client.stop(self._name))
        if ended.error:
            raise self._trouble(ended, ended.error)

    def _has(self, env: Mapping[str, str] | None, unset: tuple[str, ...]) -> bool:
        given = record.readable_environment(self._name)
        as_wanted = all(given.get(key) == value for key, value in (env or {}).items())
        return as_wanted and not any(key in given for key in unset)

    def _swap(
        self, setting: Setting, model: str, env: Mapping[str, str], unset: tuple[str, ...]
    ) -> Operation:
        recipe = self._recipe
        request = SwapRequest(
            model,
            port=recipe.port,
            served_name=recipe.served_name,
            flags=setting.flags,
            env={**recipe.env, **env},
            holds_requests=recipe.holds_requests,
            jobs=JobsRule.REFUSE,
            unset=unset,
        )
        try:
            return self._client.swap(self._name, request)
        except VConsoleError as error:
            raise self._cannot_go_on(error) from error

    def _start(
        self, setting: Setting, model: str, env: Mapping[str, str], unset: tuple[str, ...]
    ) -> Operation:
        """After a rest, or a death under load: whatever is left of it is ended first.

        What it was given before, a key perhaps, goes over as in a swap.
        """
        recipe = self._recipe
        given = record.readable_environment(self._name)
        kept = {key: value for key, value in given.items() if key not in unset}
        request = StartRequest(
            model,
            port=recipe.port,
            served_name=recipe.served_name,
            flags=setting.flags,
            env={**kept, **recipe.env, **env},
        )
        try:
            if self._client.server(self._name).state not in (
                ServerState.FAILED,
                ServerState.STOPPED,
            ):
                self._follow(self._client.stop(self._name))
            return self._client.start(self._name, request)
        except VConsoleError as error:
            raise self._cannot_go_on(error) from error

    def _trouble(self, ended: Operation, error: ErrorBody) -> VConsoleError:
        said = VConsoleError(error.message, error.remedy, ExitCode(error.exit_code), error.kind)
        if error.kind == "rollback_failed":
            return self._cannot_go_on(said)
        served = self._client.server(self._name).state is ServerState.READY
        if served and not ended.rolled_back:
            return UnfitError(said.message, said.remedy, said.exit_code, said.kind)
        return said

    def _taken(self, what: str) -> CannotGoOnError:
        return CannotGoOnError(
            f"{what}, which `vconsole {self._command}` did not do",
            self._go_on,
            ExitCode.REFUSED,
            kind=TAKEN_OVER,
        )

    def _cannot_go_on(self, error: VConsoleError) -> CannotGoOnError:
        remedy = error.remedy or self._go_on
        return CannotGoOnError(error.message, remedy, error.exit_code, error.kind)

    @property
    def _go_on(self) -> str:
        return f"when that is so again, `vconsole {self._command}` goes on where it was"


def launch_of(name: str) -> Launch:
    """What the server was started with last; an error where it never was, or not by vconsole."""
    launch = record.load(name).launch
    if launch is None:
        raise VConsoleError(
            f"{name} never ran", "`vconsole start MODEL` starts one", ExitCode.NO_SERVER
        )
    if launch.folder:
        raise VConsoleError(
            f"{name} was adopted: it runs by its own command line, which nobody may amend",
            "swap to the same model by name first: vconsole swap MODEL",
            ExitCode.REFUSED,
            kind="adopted",
        )
    return launch


def recipe_of(launch: Launch, profile: Profile | None) -> Recipe:
    """Variables that no profile gave go over from server to server by themselves."""
    env = passed_on(os.environ)
    if profile is not None:
        env |= profile.env
        env |= {DEVICES: profile.devices} if profile.devices is not None else {}
    holds = profile.holds_requests if profile else None
    return Recipe(launch.model, launch.served_name, launch.port, env, holds)


def target_of(name: str, launch: Launch) -> Target:
    """The server of that name as one to be measured, with its key."""
    key = record.readable_environment(name).get("VLLM_API_KEY")
    return Target(name, launch.url, launch.served_name, key)


def until_nothing_is_under_way(client: SupervisorClient, name: str) -> ServerStatus:
    while (server := client.server(name)).operation is not None:
        time.sleep(POLL_S)
    return server
