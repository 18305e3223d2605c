"""The upgrade as a transaction: the new engine takes over only after all of it went well.

Until then `current` is not touched, so that whatever fails, or ends, leaves the old engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from vconsole import settings
from vconsole.engine.find import Engine, current_engine, find_engine, previous_engine
from vconsole.engine.installing.install import install_engine, make_current
from vconsole.engine.installing.plan import InstallPlan
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerState, ServerStatus, Step
from vconsole.supervisor.upgrading import trial
from vconsole.supervisor.upgrading.comparison import Comparison
from vconsole.supervisor.upgrading.flag_check import new_faults
from vconsole.supervisor.upgrading.trial import Load, Say, Trial, choose_load, try_engine


@dataclass
class Upgrade:
    """What was done so far, step by step, and how fast the old and the new one are."""

    old: Engine | None
    say: Say
    steps: list[Step] = field(default_factory=list)
    comparison: Comparison | None = None
    speed: float | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started_s = time.monotonic()
        self.say(f"{name} …")
        try:
            yield
        except VConsoleError as error:
            self.steps.append(Step(name, time.monotonic() - started_s, False, error.message))
            raise
        self.steps.append(Step(name, time.monotonic() - started_s, True))


def require_own_engine() -> Engine:
    """The current engine, where it is vconsole's to change."""
    found = find_engine(settings.load())
    if found is not None and found.source != "data folder":
        raise VConsoleError(
            f"the engine in use is named by {found.source}, so vconsole does not change it",
            "upgrade it there, or name none and use vconsole's own: vconsole engine install",
            ExitCode.REFUSED,
        )
    if found is None:
        raise VConsoleError("no vLLM is installed", "vconsole engine install", kind="no-engine")
    return found


def carry_out(
    reach: Callable[[], SupervisorClient],
    plan: InstallPlan,
    say: Say,
    *,
    is_tried: bool = True,
    accepts_slower: bool = False,
) -> tuple[Engine, Upgrade]:
    """Install beside, check flags, try, compare, and only then make it current."""
    done = Upgrade(current_engine(), say)
    with done.step("install beside"):
        new = install_engine(plan, say, is_current=False)
    try:
        client = reach()
        with done.step("check flags"):
            _check_flags(done.old, new, client.status().servers)
        if is_tried:
            _try(done, new, client, accepts_slower)
        with done.step("make current"):
            make_current(new.path)
    except VConsoleError as error:
        raise _not_upgraded(done, new, error) from error
    return new, done


def roll_back() -> tuple[Engine, Engine]:
    """Make the engine before this one current again; returns it and the one that was left."""
    left, back = current_engine(), previous_engine()
    if left is None or back is None or left.path == back.path:
        raise VConsoleError(
            "there is no engine to go back to",
            "see what there is: vconsole engine list; take one: vconsole engine use NAME",
            ExitCode.REFUSED,
        )
    make_current(back.path)
    return back, left


def _check_flags(old: Engine | None, new: Engine, servers: tuple[ServerStatus, ...]) -> None:
    servers = tuple(one for one in servers if one.name != trial.NAME)
    refused = new_faults(old, new, servers)
    if refused:
        raise VConsoleError(
            f"vLLM {new.version} refuses flags in use: {'; '.join(refused)}",
            "change them (vconsole profile), then upgrade again; nothing is fetched twice",
        )


def _try(done: Upgrade, new: Engine, client: SupervisorClient, accepts_slower: bool) -> None:
    load = choose_load(client.status(), new.device)
    with done.step(f"try vLLM {new.version}"):
        tried = try_engine(client, new, load, done.say)
    done.speed = tried.tokens_per_s
    if done.old is None:
        return
    of_new, of_old = [tried], [_timed(done, done.old, load, client)]
    if _compared(of_old, of_new).needs_another_look and not accepts_slower:
        done.say("it seems slower, so both are timed once more")
        of_new.append(_timed(done, new, load, client))
        of_old.append(_timed(done, done.old, load, client))
    found = _compared(of_old, of_new)
    done.comparison, done.speed = found, max(found.new)
    with done.step("compare speed"):
        _judge(found, new, done.say, accepts_slower)


def _timed(done: Upgrade, engine: Engine, load: Load, client: SupervisorClient) -> Trial:
    with done.step(f"time vLLM {engine.version}"):
        return try_engine(client, engine, load, done.say, is_new=False)


def _compared(old: Sequence[Trial], new: Sequence[Trial]) -> Comparison:
    return Comparison(
        tuple(one.tokens_per_s for one in old),
        tuple(one.tokens_per_s for one in new),
        max(one.busy for one in (*old, *new)),
    )


def _judge(found: Comparison, new: Engine, say: Say, accepts_slower: bool) -> None:
    """Refuse an engine that is clearly slower, unless others kept the machine busy."""
    if not found.is_slower:
        say(f"vLLM {new.version} is no slower than the machine itself varies: {found.words}")
        return
    words = f"vLLM {new.version} is slower here: {found.words}"
    if not accepts_slower and found.is_judged:
        remedy = "try again at a quiet time, or take it nevertheless: --accept-slower"
        raise VConsoleError(words, remedy)
    why = "accepted" if accepts_slower else f"not judged: others used {found.busy:.0%} of the CPU"
    say(f"{words} ({why})")


def _not_upgraded(done: Upgrade, new: Engine, error: VConsoleError) -> VConsoleError:
    stays = f"vLLM {done.old.version} stays current" if done.old else "no engine is current"
    remedy = f"{error.remedy}; " if error.remedy else ""
    return VConsoleError(
        f"not upgraded, {stays}: {error.message}",
        f"{remedy}the new one stays beside: vconsole engine remove {new.path.name}",
        error.exit_code,
        error.kind,
    )


def needs_restart(servers: tuple[ServerStatus, ...], engine: Engine) -> tuple[str, ...]:
    """Names of servers that still run another engine than this."""
    return tuple(
        one.name
        for one in servers
        if one.state is ServerState.READY and one.engine_version != engine.version
    )
