"""The unit as it lies on this machine, whether systemd has read it or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vconsole.host.service.plan import unit_path
from vconsole.host.service.text import own_values
from vconsole.host.units import Scope


@dataclass(frozen=True, slots=True)
class InstalledUnit:
    """What the file says; `credentials` maps a credential's name to the file that holds it."""

    scope: Scope
    path: Path
    text: str
    profile: str
    state: Path
    lingered_before: bool = True
    made_account: bool = False
    credentials: dict[str, Path] = field(default_factory=dict)


def installed(scope: Scope) -> InstalledUnit | None:
    """The unit of that scope; None where there is none of ours."""
    path = unit_path(scope)
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    own = own_values(text)
    if "Profile" not in own or "State" not in own:
        return None
    named = ((key.partition("Credential-")[2], value) for key, value in own.items())
    return InstalledUnit(
        scope=scope,
        path=path,
        text=text,
        profile=own["Profile"],
        state=Path(own["State"]),
        lingered_before=own.get("LingeredBefore") != "no",
        made_account=own.get("MadeAccount") == "yes",
        credentials={name: Path(value) for name, value in named if name},
    )


def installed_for(state: Path) -> InstalledUnit | None:
    """The user's unit that runs the supervisor of that state folder, if it is installed."""
    found = installed(Scope.USER)
    return found if found and found.state == state else None
