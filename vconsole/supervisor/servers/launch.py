"""From what a client asks for to what will be run: model, engine, port, command, environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from vconsole import paths
from vconsole import settings as settings_module
from vconsole.engine import command_line
from vconsole.engine.command import ServeOptions, build_command, build_environment
from vconsole.engine.find import require_engine
from vconsole.engine.secrets import without_secrets
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.resolve import resolve
from vconsole.settings import Settings
from vconsole.supervisor.model import StartRequest
from vconsole.supervisor.processes import process
from vconsole.supervisor.processes.tree import HOME_VARIABLE, TAG_VARIABLE
from vconsole.supervisor.servers import exposure, record
from vconsole.supervisor.servers.exposure import require_safe
from vconsole.supervisor.servers.record import CardBefore, Launch

# What vconsole has to know of a server is told to vconsole, not past it.
OUR_OPTIONS = {"--port": "--port", "--host": "--host", "--served-model-name": "--served-name"}


@dataclass(frozen=True, slots=True)
class PreparedLaunch:
    """Ready to spawn; `given_environment` is what the caller and the profile asked for.

    `cards_before` is what the cards held when it was about to be spawned.
    """

    launch: Launch
    given_environment: dict[str, str]
    cards_before: tuple[CardBefore, ...] = ()


def prepare(request: StartRequest, last: Launch | None, name: str) -> PreparedLaunch:
    """Decide everything about a start; without a model the last one is started again."""
    if last and last.folder and not request.model:
        return _as_adopted(request, last, name)
    settings = settings_module.load()
    engine = require_engine(settings)
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
    flags = (*model.flags, *request.flags)
    _refuse_our_options(flags)
    flags, secrets = without_secrets(again.flags if again and not request.flags else flags)
    # What was a key in an earlier command line is only there any more.
    kept = record.load_environment(name) if again else {}
    environment = {**kept, **model.env, **request.env, **secrets, **_key_of_file(settings)}
    require_safe(host, {**os.environ, **environment})
    options = ServeOptions(
        model=model.model,
        served_name=request.served_name or (again.served_name if again else model.name),
        host=host,
        port=port,
        drain_s=settings.server.drain_s,
        flags=flags,
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
    return PreparedLaunch(launch, environment)


def _key_of_file(settings: Settings) -> dict[str, str]:
    """The API key of the file that the settings name; one that others can read is refused."""
    if not settings.server.api_key_file:
        return {}
    path = Path(settings.server.api_key_file).expanduser()
    try:
        mode, key = path.stat().st_mode, path.read_text().strip()
    except OSError as error:
        raise VConsoleError(
            f"cannot read the API key: {error}", "mend server.api_key_file in the settings"
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
    if request.port or request.host or request.served_name or request.flags:
        raise VConsoleError(
            f"{name} was adopted: it is started again by its own command line, as it is",
            "name the model, so that the command line is made anew: `vconsole start MODEL ...`",
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
    environment = build_environment(os.environ, given, device, free_bytes)
    environment[TAG_VARIABLE] = tag
    environment[HOME_VARIABLE] = str(paths.state_dir())
    environment["VLLM_PROCESS_NAME_PREFIX"] = f"VC-{name}"
    return environment


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
                f"{flag} stands among vLLM's own flags",
                f"give {option} before the --, so that vconsole knows of it",
                ExitCode.USAGE,
            )
