"""Profiles measured in turn on one server: each is brought up by the supervisor's own swap."""

from __future__ import annotations

import asyncio
import os

from vconsole.engine.command.command import passed_on
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.model import Target
from vconsole.requests.bench.plan import BenchSpec, Facts
from vconsole.supervisor.autostart import running_supervisor
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import (
    JobsRule,
    Operation,
    OperationState,
    ServerState,
    ServerStatus,
    StartRequest,
    SwapRequest,
)


class ProfileStage:
    """Brings up a profile when it is its turn; `put_back` brings back what ran before."""

    def __init__(self, spec: BenchSpec) -> None:
        self._name = spec.server or "main"
        self._api_key = spec.targets[0].api_key
        self._before: ServerStatus | None = None

    async def target(self, contender: str) -> Target:
        return await asyncio.to_thread(self._target, contender)

    async def facts(self, contender: str) -> Facts:
        return facts_of(contender, await asyncio.to_thread(_client().server, self._name))

    async def put_back(self) -> None:
        """What served when the bench began, where something else does now."""
        await asyncio.to_thread(self._put_back)

    def _target(self, contender: str) -> Target:
        client = _client()
        server = client.server(self._name)
        self._before = self._before or server
        if server.profile != contender or server.state is not ServerState.READY:
            self._bring_up(client, server, contender)
            server = client.server(self._name)
        if server.url is None:
            raise VConsoleError(f"{contender} does not serve")
        return Target(contender, server.url, server.served_name, self._api_key)

    def _bring_up(
        self,
        client: SupervisorClient,
        server: ServerStatus,
        model: str,
        flags: tuple[str, ...] = (),
    ) -> None:
        env = passed_on(os.environ)
        if server.state is ServerState.READY:
            wish = SwapRequest(model=model, flags=flags, env=env, jobs=JobsRule.PAUSE)
            _follow(client, client.swap(self._name, wish))
        else:
            wanted = StartRequest(model=model, flags=flags, env=env)
            _follow(client, client.start(self._name, wanted))

    def _put_back(self) -> None:
        before, client = self._before, _client()
        now = client.server(self._name)
        if before is None or before.state is not ServerState.READY or before.model is None:
            return
        if (now.profile, now.model, now.flags) == (before.profile, before.model, before.flags):
            return
        if before.profile is not None:
            self._bring_up(client, now, before.profile)
        else:
            self._bring_up(client, now, before.model, before.flags)


def facts_of(contender: str, server: ServerStatus) -> Facts:
    """What the supervisor knows of a server of ours."""
    return Facts(
        name=contender,
        url=server.url or "",
        model=server.model,
        version=server.engine_version,
        device=server.engine_device,
        profile=server.profile,
        flags=server.flags,
        command=server.command,
    )


def _follow(client: SupervisorClient, operation: Operation) -> None:
    """Wait for its end; a failed one, or one that was rolled back, raises why."""
    for status in client.watch(operation.server):
        found = next((one for one in status.operations if one.id == operation.id), None)
        if found is None:
            raise VConsoleError(f"the {operation.kind} was overtaken by another operation")
        if found.state is not OperationState.RUNNING:
            if found.error is not None:
                raise VConsoleError(found.error.message, found.error.remedy)
            return
    raise VConsoleError("the supervisor left during a swap", "vconsole status shows what is so")


def _client() -> SupervisorClient:
    client = running_supervisor()
    if client is None:
        raise VConsoleError(
            "no supervisor runs that could swap", "start it: vconsole status", ExitCode.NO_SERVER
        )
    return client
