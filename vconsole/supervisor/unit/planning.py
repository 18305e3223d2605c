"""What the unit for a profile has to say on this machine, and what its user should know of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from vconsole import paths
from vconsole import settings as settings_module
from vconsole.engine.find import VARIABLE as ENGINE_VARIABLE
from vconsole.engine.find import Engine, find_engine
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import systemd
from vconsole.host.service import plan as places
from vconsole.host.service.installed import installed
from vconsole.host.service.plan import ACCOUNT, Limits, UnitPlan
from vconsole.host.units import Scope
from vconsole.models.profiles import find_profile
from vconsole.models.resolve import resolve
from vconsole.settings import Settings
from vconsole.supervisor.processes import process
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.restarts import RestartPolicy

HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
# What a login shell tells and a user's manager does not; no secrets.
CARRIED = (
    *("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"),
    *("VCONSOLE_ENGINE", "VCONSOLE_SOCKET", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT"),
    *("HF_HUB_OFFLINE", "CUDA_HOME", "LD_LIBRARY_PATH"),
)
AFTER_STOP_S = 10


@dataclass(frozen=True, slots=True)
class Planned:
    unit: UnitPlan
    notes: tuple[str, ...] = ()


def plan_unit(scope: Scope, profile: str | None, credentials: dict[str, Path]) -> Planned:
    """Decide everything; without a profile it is the installed one's, else what ran last.

    Keys that are not named again stay those of the installed unit.
    """
    before = installed(scope)
    system = scope is Scope.SYSTEM
    name = profile or (before.profile if before else None) or _ran_last(system)
    config = places.SYSTEM_CONFIG if system else paths.config_dir()
    settings = settings_module.load(config / "config.toml" if system else None)
    _require_known(name, config, system)
    engine = find_engine(settings)
    kept = before.credentials if before else {}
    plan = UnitPlan(
        scope=scope,
        profile=name,
        command=_command(),
        limits=_limits(settings),
        state=places.SYSTEM_STATE if system else paths.state_dir(),
        environment=_system_environment(engine) if system else _user_environment(),
        credentials={**kept, **{key: _checked(path) for key, path in credentials.items()}},
        device_groups=places.device_groups() if system else (),
        reads_homes=system and any(_in_a_home(path) for path in _runs(engine)),
        lingered_before=before.lingered_before if before else _lingers(),
        made_account=before.made_account if before else system and not places.account_exists(),
    )
    return Planned(plan, tuple(_notes(plan, engine)))


def _limits(settings: Settings) -> Limits:
    policy = RestartPolicy()
    ladder_s = process.AFTER_DRAIN_S + process.AFTER_TERM_S + process.AFTER_KILL_S
    stop_s = settings.server.drain_s + ladder_s + AFTER_STOP_S
    return Limits(policy.limit, policy.window_s, stop_s)


def _ran_last(system: bool) -> str:
    launch = None if system else record.load("main").launch
    if launch is None:
        raise VConsoleError(
            "which profile or model shall the unit serve? Nothing ran here before",
            "name it: vconsole service install PROFILE",
            ExitCode.USAGE,
        )
    return launch.profile or launch.model


def _require_known(name: str, config: Path, system: bool) -> None:
    """An error for what cannot be served; the system's profiles are not those of who installs."""
    if name.startswith("-") or "\n" in name:
        raise VConsoleError(f"{name!r} is no name of a profile or model", None, ExitCode.USAGE)
    file = config / "profiles.toml"
    if not system or find_profile(name, file):
        resolve(name)
    elif find_profile(name):
        raise VConsoleError(
            f"the profile {name} is in your own {paths.profiles_file()}, which the system does not"
            " read",
            f"sudo install -D -m 644 {paths.profiles_file()} {file}",
            ExitCode.USAGE,
        )
    else:
        resolve(name)


def _command() -> tuple[str, ...]:
    script = Path(sys.executable).parent / "vconsole"
    return (str(script),) if script.exists() else (sys.executable, "-m", "vconsole.cli")


def _user_environment() -> dict[str, str]:
    """What the shell says here, settings among it, since the unit's manager does not hear it."""
    settings = (value.origin for value in settings_module.explain())
    names = (*CARRIED, *(origin for origin in settings if origin.startswith("VCONSOLE_")))
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _system_environment(engine: Engine | None) -> dict[str, str]:
    state, cache = places.SYSTEM_STATE, places.SYSTEM_CACHE
    named = {ENGINE_VARIABLE: str(engine.python)} if engine else {}
    return {
        **named,
        "HOME": str(state),
        "XDG_CONFIG_HOME": str(places.SYSTEM_CONFIG.parent),
        "XDG_STATE_HOME": str(state.parent),
        "XDG_DATA_HOME": str(state / "data"),
        "XDG_CACHE_HOME": str(cache),
        "HF_HOME": str(cache / "huggingface"),
        "TMPDIR": str(state / "tmp"),
        "VCONSOLE_SOCKET": str(paths.system_socket_path()),
        "VCONSOLE_SUPERVISOR_GROUP": ACCOUNT,
    }


def _checked(path: Path) -> Path:
    """The file of a key, refused where others could read it."""
    path = path.expanduser().absolute()
    try:
        mode, empty = path.stat().st_mode, not path.read_text().strip()
    except OSError as error:
        raise VConsoleError(
            f"cannot read the key in {path}: {error.strerror}", None, ExitCode.USAGE
        ) from error
    if empty:
        raise VConsoleError(f"{path} is empty", "put the key in it", ExitCode.USAGE)
    if mode & 0o077:
        remedy = f"chmod 600 {path}"
        raise VConsoleError(f"others can read the key in {path}", remedy, ExitCode.REFUSED)
    return path


def _lingers() -> bool:
    user = systemd.user_name(os.geteuid())
    return systemd.lingers(user) if user else False


def _runs(engine: Engine | None) -> tuple[Path, ...]:
    """Every folder that the service executes something of, links followed."""
    own = (Path(sys.prefix), Path(sys.base_prefix))
    theirs = (engine.path, engine.python.resolve()) if engine else ()
    return (*own, *theirs, *(path.resolve() for path in own))


def _in_a_home(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in HOMES)


def _notes(plan: UnitPlan, engine: Engine | None) -> list[str]:
    notes = []
    if engine is None:
        notes.append("no engine is found here: `vconsole engine install` before the unit starts")
    if plan.reads_homes:
        found = ", ".join(sorted({str(path) for path in _runs(engine) if _in_a_home(path)}))
        notes.append(
            f"the service runs what lies in a home ({found}): that has to be readable for the user"
            f" {ACCOUNT}, and ProtectHome is read-only instead of yes"
        )
    return notes
