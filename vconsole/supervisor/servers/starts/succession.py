"""Who may follow: a model, and what its profile names to serve where memory does not suffice.

Everybody is resolved beforehand, so that a step of the chain can fail only for its own reasons.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.on_disk import folder_of
from vconsole.models.profiles import find_profile
from vconsole.models.resolve import ResolvedModel, resolve
from vconsole.supervisor.model import StartRequest, SwapRequest
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts import launch
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

MEMORY = frozenset(
    {
        "gpu_memory_taken",
        "host_ram_oom",
        "kv_cache_too_small",
        "runtime_oom",
        "too_big",
        "warmup_oom",
        "weights_oom",
    }
)
Chain = tuple[PreparedLaunch, ...]


def smaller_may_help(cause: str) -> bool:
    """Whether another model may start where this cause ended one, or the planner said so before."""
    return cause in MEMORY


def for_start(request: StartRequest, last: Launch | None, name: str) -> Chain:
    """What a start tries, in order: what is asked for, then its fallbacks on the same port."""
    first = launch.prepare(request, last, name)
    named = request.model or first.launch.profile
    fallback = resolve(named).fallback if named and not first.launch.folder else ()
    return _with_warnings((first, *_fallbacks(fallback, request, first, name)))


def for_swap(request: SwapRequest, old: Launch, name: str) -> Chain:
    """What a swap tries, in order, on the port and address of the old server unless told others.

    What the user once gave the old server (its key, where the Hub's files are) holds for the new
    one too; what the old one's profile said does not.
    """
    model = resolve(request.model)
    first_request = StartRequest(
        model=request.model,
        port=request.port or old.port,
        host=old.host,
        served_name=request.served_name,
        flags=request.flags,
        env=request.env,
    )
    given = _given_by_the_user(old, record.load_environment(name))
    kept = {key: value for key, value in given.items() if key not in request.unset}
    first = launch.prepare(first_request, None, name, kept)
    return _with_warnings((first, *_fallbacks(model.fallback, first_request, first, name, kept)))


def holds_requests(request: SwapRequest) -> bool:
    """Whether requests that arrive meanwhile are held: as asked for, else as the profile says."""
    asked = request.holds_requests
    return resolve(request.model).holds_requests if asked is None else asked


def _with_warnings(chain: Chain) -> Chain:
    """The chain, its first saying which of its fallbacks would have to be fetched first."""
    first, *fallbacks = chain
    missing = [one.launch.model for one in fallbacks if not is_on_disk(one)]
    said = (
        f"its fallback {one} is not on this disk: vconsole models pull {one}" for one in missing
    )
    told = replace(first.launch, warnings=(*first.launch.warnings, *said))
    return (replace(first, launch=told), *fallbacks)


def is_on_disk(prepared: PreparedLaunch) -> bool:
    environment = {**os.environ, **prepared.given_environment}
    return folder_of(prepared.launch.model, environment) is not None


def _fallbacks(
    names: tuple[str, ...],
    request: StartRequest,
    first: PreparedLaunch,
    name: str,
    kept: Mapping[str, str] | None = None,
) -> Chain:
    return tuple(_fallback(one, request, first, name, kept) for one in names)


def _fallback(
    named: str,
    request: StartRequest,
    first: PreparedLaunch,
    name: str,
    kept: Mapping[str, str] | None,
) -> PreparedLaunch:
    """The flags of a command line were meant for the model that it names, so they stay behind.

    A name that the profile gives to clients goes over to whoever serves in its place.
    """
    plan = first.launch
    profile = find_profile(plan.profile) if plan.profile else None
    served_name = request.served_name or (profile.served_name if profile else None)
    wanted = StartRequest(named, plan.port, plan.host, served_name, env=request.env)
    try:
        return launch.prepare(wanted, None, name, kept)
    except VConsoleError as error:
        raise VConsoleError(
            f"the fallback {named} of {plan.profile} cannot be served: {error.message}",
            error.remedy or "mend `fallback` in the profiles",
            ExitCode.USAGE if error.exit_code is ExitCode.USAGE else ExitCode.FAILED,
            error.kind,
        ) from error


def _given_by_the_user(old: Launch, environment: dict[str, str]) -> dict[str, str]:
    profile = _profile_of(old)
    said = profile.env if profile else {}
    return {key: value for key, value in environment.items() if said.get(key) != value}


def _profile_of(old: Launch) -> ResolvedModel | None:
    try:
        return resolve(old.profile) if old.profile else None
    except VConsoleError:
        return None
