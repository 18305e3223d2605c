"""Profiles against servers: one made of what runs, the command that one stands for, its faults."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from vconsole import settings
from vconsole.engine.find import require_engine
from vconsole.engine.log.redact import SECRET_NAME
from vconsole.engine.options.checking import Fault, faults
from vconsole.engine.options.option import EngineOptions
from vconsole.engine.options.reading import engine_options
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profile_flags import table_of
from vconsole.models.profiles import Profile
from vconsole.supervisor.model import ServerStatus, StartRequest
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.starts import launch

# Of what a server was given, the variables that belong to it rather than to its user's session.
KEPT_PREFIXES = ("VLLM_", "NCCL_", "OMP_")
DEVICES = "CUDA_VISIBLE_DEVICES"


def profile_of(server: ServerStatus) -> Profile:
    """The profile that starts this server again as it runs; keys stay where they are."""
    if server.model is None:
        raise VConsoleError(
            f"{server.name} never ran, so there is nothing to make a profile of",
            "`vconsole start MODEL` starts one",
            ExitCode.NO_SERVER,
            kind="not_running",
        )
    if server.adopted and not server.flags:
        raise VConsoleError(
            f"{server.name} was started by somebody else: only its own command line is known",
            "`vconsole profile command --running` prints that",
            ExitCode.REFUSED,
        )
    given = record.readable_environment(server.name)
    env = {
        name: value
        for name, value in given.items()
        if name.startswith(KEPT_PREFIXES) and not SECRET_NAME.search(name)
    }
    return Profile(
        server.model,
        served_name=server.served_name,
        port=server.port,
        devices=given.get(DEVICES),
        flags=table_of(server.flags),
        env=env,
    )


def command_of(name: str) -> str:
    """The command line that a start of this profile, folder or model runs, before the plan."""
    prepared = launch.prepare(StartRequest(model=name), None, "main")
    variables = {
        name: value
        for name, value in prepared.given_environment.items()
        if not SECRET_NAME.search(name)
    }
    return shell_line(prepared.launch.command, variables)


def shell_line(command: Sequence[str], variables: dict[str, str] | None = None) -> str:
    """A command as a shell takes it, to be copied."""
    given = [f"{name}={shlex.quote(value)}" for name, value in (variables or {}).items()]
    return " ".join([*given, shlex.join(command)])


def installed_options() -> EngineOptions:
    """The options of the engine that the next start uses; some five seconds the first time."""
    return engine_options(require_engine(settings.load()))


def faults_of(profile: Profile, options: EngineOptions) -> tuple[Fault, ...]:
    """What this engine would refuse of a profile."""
    return faults(options, profile.arguments())
