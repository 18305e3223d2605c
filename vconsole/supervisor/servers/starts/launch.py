"""From what a client asks for to what will be run: model, engine, port, command, environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from vconsole import paths
from vconsole import settings as settings_module
from vconsole.engine.command import command_line, sleep
from vconsole.engine.command import flags as engine_flags
from vconsole.engine.command.command import ServeOptions, build_command, build_environment
from vconsole.engine.command.secrets import without_secrets
from vconsole.engine.find import Engine, engine_of, require_engine
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.resolve import resolve
from vconsole.settings import Settings
from vconsole.supervisor.model import StartRequest
from vconsole.supervisor.processes import process
from vconsole.supervisor.processes.tree import HOME_VARIABLE, TAG_VARIABLE
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import CardBefore, Launch
from vconsole.supervisor.servers.starts import exposure
from vconsole.supervisor.servers.starts.exposure import require_safe

# What vconsole has to know of a server is told to vconsole, not past it.
OUR_OPTIONS = {"--port": "--port", "--host": "--host", "--served-model-name": "--served-name"}


@dataclass(frozen=True, slots=True)
class PreparedLaunch:
    """Ready to spawn; `given_environment` is what the caller and the profile asked for.

    `cards_before` is what the cards held when it was about to be spawned. With `planned` a plan is
    made first and may add flags; `adapt` and `anyway` are the request's.
    """

    launch: Launch
    given_environment: dict[str, str]
    cards_before: tuple[CardBefore, ...] = ()
    engine: Engine | None = None
    planned: bool = False
    adapt: bool = False
    anyway: bool = False

    def with_flags(self, flags: tuple[str, ...], **fields: object) -> PreparedLaunch:
        """The same with `flags` in the place of its own, which end the command."""
        before, own = self.launch, len(self.launch.flags)
        command = before.command[: len(before.command) - own] + flags
        changed = replace(before, flags=flags, command=command, **fields)  # type: ignore[arg-type]
        return replace(self, launch=changed)


def prepare(
    request: StartRequest,
    last: Launch | None,
    name: str,
    kept: Mapping[str, str] | None = None,
) -> PreparedLaunch:
    """Decide everything about a start; without a model the last one is started again.

    `kept` are variables of an earlier start that hold where nothing else says otherwise.
    """
    if last and last.folder and not request.model:
        return _as_adopted(request, last, name)
    settings = settings_module.load()
    engine = _engine(request, settings)
    wanted = request.model or (last and (last.profile or last.model))
    if not wanted:
        raise VConsoleError(
            "no model was named and none was served before",
            "name one: `vconsole start demo`, or a folder, or OWNER/NAME of the Hub",
            ExitCode.USAGE,
        )
    model = resolve(wanted)
    again = last if last and not request.model else None
    host = request.host or (again.host if again else settings.server.host)
    port = request.port or model.port or (again.port if again else settings.server.port)
    flags = engine_flags.replaced(model.flags, request.flags)
    _refuse_our_options(flags)
    if again and not request.flags:
        flags = engine_flags.replaced(own_flags(again), request.change)
    flags, secrets = without_secrets(flags)
    # What was a key in an earlier command line is only there any more.
    earlier = record.load_environment(name) if again else dict(kept or {})
    environment = {**earlier, **model.env, **request.env, **secrets, **_key_of_file(settings)}
    require_safe(host, {**os.environ, **environment})
    options = ServeOptions(
        model=model.model,
        served_name=request.served_name or (again.served_name if again else model.name),
        host=host,
        port=port,
        drain_s=settings.server.drain_s,
        flags=flags,
        may_sleep=settings.server.sleeping_models > 0,
    )
    launch = Launch(
        model=options.model,
        served_name=options.served_name,
        host=host,
        port=port,
        flags=options.flags,
        profile=model.profile,
        drain_s=options.drain_s,
        command=build_command(engine, options),
        engine_version=engine.version,
        engine_device=engine.device,
        warnings=exposure.warnings(host),
    )
    return PreparedLaunch(
        launch,
        environment,
        engine=engine,
        planned=model.plan,
        adapt=request.adapt,
        anyway=request.anyway,
    )


def as_last(prepared: PreparedLaunch, last: Launch) -> PreparedLaunch:
    """The start with all flags of the last one: what its plan chose is what made it fit."""
    if last.folder:
        return prepared
    kept = {"plan": last.plan, "planned_flags": last.planned_flags, "card": last.card}
    return prepared.with_flags(last.flags, **kept)


def own_flags(last: Launch) -> tuple[str, ...]:
    """The flags of the last start without those that its plan added at their end."""
    added = len(last.planned_flags)
    return (
        last.flags[:-added] if added and last.flags[-added:] == last.planned_flags else last.flags
    )


def _engine(request: StartRequest, settings: Settings) -> Engine:
    """The engine that the request names, else the current one."""
    if request.engine is None:
        return require_engine(settings)
    found = engine_of(Path(request.engine), "this start")
    if found is None:
        raise VConsoleError(
            f"{request.engine} is no Python that holds vLLM",
            "see the engines: vconsole engine list",
            ExitCode.USAGE,
        )
    return found


def _key_of_file(settings: Settings) -> dict[str, str]:
    """The API key of the file that the settings name; one that others can read is refused."""
    if not settings.server.api_key_file:
        return {}
    path = Path(settings.server.api_key_file).expanduser()
    try:
        mode, key = path.stat().st_mode, path.read_text().strip()
    except OSError as error:
        raise VConsoleError(
            f"cannot read the API key: {error}", "fix server.api_key_file in the settings"
        ) from error
    if mode & 0o077:
        raise VConsoleError(
            f"others can read the API key in {path}",
            f"chmod 600 {path}",
            ExitCode.REFUSED,
            kind="exposed",
        )
    return {"VLLM_API_KEY": key}


def _as_adopted(request: StartRequest, last: Launch, name: str) -> PreparedLaunch:
    """An adopted server is started again by its own command line, which nobody may amend."""
    if request.port or request.host or request.served_name or request.flags or request.change:
        raise VConsoleError(
            f"{name} was adopted: it is started again by its own command line, as it is",
            "name the model, so that a new command line is made: `vconsole start MODEL ...`",
            ExitCode.USAGE,
        )
    environment = {**record.load_environment(name), **request.env}
    require_safe(command_line.bind_host(last.command), {**os.environ, **environment})
    return PreparedLaunch(last, environment)


def server_environment(
    launch: Launch, given: Mapping[str, str], tag: str, name: str
) -> dict[str, str]:
    """The whole environment of a server's processes, with the tag that proves whose they are."""
    free_bytes = psutil.virtual_memory().available
    device = launch.engine_device or "cuda"
    environment = build_environment(os.environ, given, device, free_bytes, launch.command)
    environment[TAG_VARIABLE] = tag
    environment[HOME_VARIABLE] = str(paths.state_dir())
    environment["VLLM_PROCESS_NAME_PREFIX"] = f"VC-{name}"
    if sleep.may_sleep(launch.command):
        environment[sleep.SOCKET_VARIABLE] = str(sleep_socket(name, tag))
        folders = (str(paths.resources_dir() / "middleware"), given.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(one for one in folders if one)
    return environment


def sleep_socket(name: str, tag: str) -> Path:
    """Where a server that may sleep listens privately; short, for a socket's path has to be."""
    return paths.server_dir(name) / f"{tag[-6:]}.sock"


def refuse_taken_port(host: str, port: int) -> None:
    if not process.port_is_free(host, port):
        raise VConsoleError(
            f"port {port} on {host} is taken by another process",
            f"give another: --port {port + 1}; `ss -ltnp 'sport = :{port}'` shows who has it",
            ExitCode.REFUSED,
            kind="port_in_use",
        )


def _refuse_our_options(flags: tuple[str, ...]) -> None:
    for flag in flags:
        option = OUR_OPTIONS.get(flag.partition("=")[0].replace("_", "-"))
        if option:
            raise VConsoleError(
                f"{flag} is among vLLM's own flags",
                f"give {option} before the --, so that vconsole knows of it",
                ExitCode.USAGE,
            )
