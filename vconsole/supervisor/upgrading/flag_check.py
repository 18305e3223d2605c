"""What a new engine would refuse of flags that the old one takes: of profiles and of servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vconsole.engine.find import Engine
from vconsole.engine.options.checking import Fault, faults
from vconsole.engine.options.option import EngineOptions
from vconsole.engine.options.reading import engine_options
from vconsole.models.profiles import load_profiles
from vconsole.supervisor.model import ServerStatus

Words = Mapping[str, Sequence[str]]


def new_faults(old: Engine | None, new: Engine, servers: Sequence[ServerStatus]) -> tuple[str, ...]:
    """A sentence for each flag that only the new engine refuses, with what may be meant instead.

    Reading the options of an engine that is new here takes some five seconds.
    """
    given = flags_in_use(servers)
    before = _refused(engine_options(old), given) if old else {}
    now = _refused(engine_options(new), given)
    return tuple(
        f"{owner}: {fault.why}" + (f" (is {fault.closest} meant?)" if fault.closest else "")
        for (owner, flag), fault in now.items()
        if (owner, flag) not in before
    )


def flags_in_use(servers: Sequence[ServerStatus]) -> Words:
    """vLLM flags by whose they are: every profile's, and every server's last ones."""
    profiles = {f"profile {name}": one.arguments() for name, one in load_profiles().items()}
    return profiles | {f"server {one.name}": one.flags for one in servers if one.flags}


def _refused(options: EngineOptions, given: Words) -> dict[tuple[str, str], Fault]:
    return {
        (owner, fault.flag): fault
        for owner, words in given.items()
        for fault in faults(options, words)
    }
