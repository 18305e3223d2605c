"""What a unit is made from, and what is read back from one that is installed."""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass, field
from pathlib import Path

from vconsole.host.units import Scope

UNIT = "vconsole.service"
ACCOUNT = "vconsole"
SYSTEM_FOLDER = Path("/etc/systemd/system")
USER_FOLDER = Path(".config/systemd/user")
SYSTEM_STATE = Path("/var/lib") / ACCOUNT
SYSTEM_CACHE = Path("/var/cache") / ACCOUNT
SYSTEM_CONFIG = Path("/etc") / ACCOUNT
SYSTEM_RUN = Path("/run") / ACCOUNT
# Groups that own the devices of cards on some distributions.
DEVICE_GROUPS = ("video", "render")
# Exit statuses between supervisor and unit: left with its servers running (they are kept), and a
# failure that trying again would not mend (EX_CONFIG of sysexits.h).
LEFT_SERVERS_RUNNING = 75
NOT_TO_BE_RETRIED = 78


@dataclass(frozen=True, slots=True)
class Limits:
    """What systemd and the supervisor have to agree on."""

    restarts: int
    window_s: float
    stop_s: float


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A unit to be written; `credentials` maps a credential's name to the file that holds it.

    `state` is the state folder of the supervisor that it runs.
    """

    scope: Scope
    profile: str
    command: tuple[str, ...]
    limits: Limits
    state: Path
    environment: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, Path] = field(default_factory=dict)
    device_groups: tuple[str, ...] = ()
    reads_homes: bool = False
    lingered_before: bool = True
    made_account: bool = False


def unit_path(scope: Scope) -> Path:
    """Where the unit lies; the user's manager looks below the home, whatever XDG says to us."""
    return (SYSTEM_FOLDER if scope is Scope.SYSTEM else Path.home() / USER_FOLDER) / UNIT


def device_groups() -> tuple[str, ...]:
    """Which of the groups for devices there are here."""
    return tuple(group.gr_name for group in grp.getgrall() if group.gr_name in DEVICE_GROUPS)


def account_exists() -> bool:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    return True
