"""Taking over a vLLM that somebody else started: whether it may be, and what is known of it.

Its command line and folder are the only recipe for starting it again. Secrets among its arguments
move to the environment file; its log stays where its own starter sent it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from vconsole import paths
from vconsole.engine.command.command import passed_on
from vconsole.engine.command.command_line import bind_host, flag, model_named
from vconsole.engine.command.secrets import without_secrets
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import procfs
from vconsole.host.vllm_processes import Sighting, Suspect, look, user_name
from vconsole.supervisor.model import ForeignServer
from vconsole.supervisor.processes import gpu_memory, tree
from vconsole.supervisor.processes.foreign import Answer, as_shown, ask_who
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch, Run
from vconsole.supervisor.servers.starts import exposure


@dataclass(frozen=True, slots=True)
class Adoption:
    """A foreign server that may be taken over, as it will stand in the record."""

    shown: ForeignServer
    launch: Launch
    run: Run
    environment: dict[str, str]


async def inspect(pid: int, owned: frozenset[int], start_ticks: int | None = None) -> Adoption:
    """Look at one process now; a refusal says why it cannot be adopted.

    With `start_ticks` it has to be the process that was shown, not a later one of the same pid.
    """
    _refuse_by_owner(pid, owned)
    suspect = _suspect(pid, await asyncio.to_thread(look, owned))
    if start_ticks not in {None, suspect.process.start_ticks}:
        raise _refusal(f"process {pid} is another one than the one shown", "look again", "changed")
    environment = procfs.environment(pid)
    _refuse_other_vconsole(pid, environment.get(tree.HOME_VARIABLE))
    command, secret = without_secrets(suspect.process.argv)
    given = {**passed_on(environment), **secret}
    answer = await _answer(suspect, given.get("VLLM_API_KEY"))
    leader = ProcessId(pid, suspect.process.start_ticks)
    if not tree.is_alive(leader):
        raise _no_process(pid)
    return Adoption(
        as_shown(suspect, answer),
        _launch(pid, _runnable(pid, command, environment), answer),
        replace(
            _run(leader, suspect, answer, environment.get(tree.TAG_VARIABLE)),
            cards_before=await asyncio.to_thread(gpu_memory.cards_before),
        ),
        given,
    )


def keep_environment(name: str, found: Adoption) -> None:
    """Write down (0600) the variables that matter to it, its API key among them."""
    paths.private_folder(paths.server_dir(name))
    record.save_environment(name, found.environment)


def name_in_use(name: str, what_runs: str) -> VConsoleError:
    return _refusal(
        f"the name {name} is in use: {what_runs}", "give another: --name NAME", "name_in_use"
    )


def _refuse_by_owner(pid: int, owned: frozenset[int]) -> None:
    uid = procfs.owner_uid(pid)
    if uid is None:
        raise _no_process(pid)
    if pid in owned:
        raise _refusal(f"process {pid} belongs to a server of ours already", None, "already_ours")
    if os.geteuid() not in {0, uid}:
        user = user_name(uid)
        raise _refusal(
            f"process {pid} belongs to {user}, and only its owner or root can take it over",
            f"have {user} run it: vconsole adopt {pid}",
            "not_yours",
        )
    if procfs.link(pid, "ns/pid") != procfs.link(os.getpid(), "ns/pid"):
        raise _refusal(
            f"process {pid} runs in a container, which has its own way to be stopped and started",
            "use that of the container",
            "in_container",
        )


def _refuse_other_vconsole(pid: int, home: str | None) -> None:
    """Two supervisors of one server would each start what the other stops."""
    if home and Path(home) != paths.state_dir() and Path(home, "servers").is_dir():
        raise _refusal(
            f"process {pid} belongs to another vconsole, whose state is in {home}",
            "stop it there, or look at it there: XDG_STATE_HOME is the folder above",
            "another_vconsole",
        )


def _suspect(pid: int, sighting: Sighting) -> Suspect:
    """The API server of that pid; a part of one is told apart from what is no vLLM at all."""
    for suspect in sighting.suspects:
        if suspect.process.pid == pid and suspect.process.part is None:
            return suspect
        if pid in suspect.family and suspect.process.pid != pid:
            head = suspect.process.pid
            raise _refusal(
                f"process {pid} is a part of the vLLM whose API server is {head}",
                f"adopt that: vconsole adopt {head}",
                "not_the_api_server",
            )
    if pid in sighting.pids:
        raise _refusal(
            f"process {pid} is a part of a vLLM whose API server is gone: it serves nobody",
            f"end it: kill {pid}",
            "stray",
        )
    raise _refusal(
        f"process {pid} is no vLLM server",
        "`vconsole status` shows the servers that were found",
        "not_vllm",
    )


async def _answer(suspect: Suspect, api_key: str | None) -> Answer:
    """What it says of itself, with its own key."""
    pid = suspect.process.pid
    for listener in suspect.listeners:
        try:
            answer = await ask_who(listener, api_key)
        except VConsoleError:
            continue
        if answer.cards is None:
            raise _refusal(
                f"process {pid} wants an API key that is in neither its environment nor its "
                "command line",
                "start it anew with VLLM_API_KEY in its environment",
                "unauthorized",
            )
        return answer
    ports = ", ".join(str(listener.port) for listener in suspect.listeners)
    where = f"nothing that it listens on ({ports})" if ports else "it listens on no port that"
    raise _refusal(
        f"process {pid} may be a vLLM, but {where} answers as one",
        "wait until it is ready; a server on a Unix socket or behind TLS cannot be adopted",
        "not_vllm",
    )


def _launch(pid: int, command: tuple[str, ...], answer: Answer) -> Launch:
    cards = answer.cards or ()
    drain = flag(command, "--shutdown-timeout") or "0"
    return Launch(
        model=model_named(command) or cards[0].root or cards[0].id,
        served_name=cards[0].id,
        host=answer.listener.host,
        port=answer.listener.port,
        drain_s=int(drain) if drain.isdecimal() else 0,
        command=command,
        engine_version=answer.version,
        warnings=exposure.warnings(bind_host(command)),
        folder=procfs.link(pid, "cwd") or "/",
    )


def _run(leader: ProcessId, suspect: Suspect, answer: Answer, tag: str | None) -> Run:
    """The run as it goes on; a tag that an earlier supervisor gave it stays known as its own."""
    family = (tree.identify(pid) for pid in suspect.family)
    known = frozenset(process for process in family if process) | {leader}
    return Run(
        tag=tag or f"adopted-{secrets.token_hex(6)}",
        boot_id=tree.boot_id(),
        leader=leader,
        started_at=datetime.fromtimestamp(psutil.Process(leader.pid).create_time(), UTC),
        tree=tuple(sorted(known | tree.descendants(known))),
        ready_at=datetime.now(UTC),
        max_model_len=answer.cards[0].max_model_len if answer.cards else None,
        foreign=True,
    )


def _runnable(pid: int, command: tuple[str, ...], environment: dict[str, str]) -> tuple[str, ...]:
    """The command with its program as a whole path, found as the process itself was.

    `/proc/PID/exe` is the last resort: it leads out of a virtual environment.
    """
    program = command[0]
    if "/" in program:
        path: str | None = str(Path(procfs.link(pid, "cwd") or "/") / program)
    else:
        path = shutil.which(program, path=environment.get("PATH")) or procfs.link(pid, "exe")
    return (path or program, *command[1:])


def _no_process(pid: int) -> VConsoleError:
    return VConsoleError(
        f"there is no process {pid}",
        "`vconsole status` shows the servers that were found",
        ExitCode.NO_SERVER,
        "no_process",
    )


def _refusal(message: str, remedy: str | None, kind: str) -> VConsoleError:
    return VConsoleError(message, remedy, ExitCode.REFUSED, kind)
