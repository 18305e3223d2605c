"""What may be started after a failure: what it suggests, others like it, the fallback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vconsole.engine.command import command_line
from vconsole.engine.command.flags import options_given, replaced
from vconsole.errors import VConsoleError
from vconsole.models.profiles import find_profile
from vconsole.supervisor.model import Failure, WayOut
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts.surer_length import with_surer_length


def with_ways_out(failure: Failure, launch: Launch | None) -> Failure:
    """The failure with the starts that may go better, the best first."""
    if launch is None or launch.folder:
        return failure
    failure = with_surer_length(failure, launch)
    return replace(failure, ways_out=tuple(_ways(failure, launch)))


def _ways(failure: Failure, launch: Launch) -> Iterator[WayOut]:
    flags = failure.suggested_flags
    if flags and replaced(launch.flags, flags) != launch.flags:
        yield WayOut("change", f"start again with {' '.join(flags)}", flags)
    if failure.cause == "kv_cache_too_small" and (smaller := _fp8_cache(failure, launch)):
        length = f" ({int(smaller[-1]):,})" if len(smaller) > 2 else ""
        yield WayOut("fp8", f"the same with an fp8 KV cache{length}", smaller)
    if fallback := _fallback(launch):
        yield WayOut("fallback", f"fall back to {fallback}", model=fallback)


def _fp8_cache(failure: Failure, launch: Launch) -> tuple[str, ...] | None:
    """An fp8 cache has half the bytes of each token, so that twice the length surely fits.

    What a request takes whatever its length is halved too, which only leaves more room.
    """
    if launch.engine_device == "cpu" or "--kv-cache-dtype" in options_given(launch.flags):
        return None
    fitting = command_line.flag(failure.suggested_flags, "--max-model-len") or ""
    if not fitting.isdecimal():
        return ("--kv-cache-dtype", "fp8")
    length, asked = 2 * int(fitting), command_line.flag(launch.flags, "--max-model-len") or ""
    if asked.isdecimal():
        length = min(length, int(asked))
    return ("--kv-cache-dtype", "fp8", "--max-model-len", str(length))


def _fallback(launch: Launch) -> str | None:
    """The first that the profile names to fall back to."""
    try:
        profile = find_profile(launch.profile) if launch.profile else None
    except VConsoleError:
        return None
    return profile.fallback[0] if profile and profile.fallback else None
