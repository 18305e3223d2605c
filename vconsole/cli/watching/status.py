"""status: everything on one page, from the supervisor or, without one, from the records."""

from __future__ import annotations

from dataclasses import replace

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import gib, percent, print_json
from vconsole.cli.reaching import running_supervisor
from vconsole.cli.watching.headline import card, headline
from vconsole.cli.watching.level_lines import level_lines
from vconsole.cli.watching.metrics_lines import metrics_lines
from vconsole.supervisor.model import (
    ForeignServer,
    ServerState,
    ServerStatus,
    SleeperStatus,
    StandbyStatus,
    Status,
    StrayProcess,
    SupervisorInfo,
)
from vconsole.supervisor.processes import tree
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.recorded import recorded_status


@click.command(epilog="Example: vconsole status --json | jq .server.state")
@click.option("--watch", is_flag=True, help="Print a line each second until interrupted.")
@server_name
@json_output
def status(watch: bool, name: str, as_json: bool) -> None:
    """Show what runs, how it is doing, and what fills the machine. Changes nothing."""
    client = running_supervisor()
    if watch and client:
        from vconsole.cli.watching.status_watch import watch as go_on

        go_on(client, name, as_json)
        return
    page = client.status(name) if client else status_from_records(name)
    if as_json:
        print_json(page)
    else:
        click.echo("\n".join(page_lines(page)))


def status_from_records(name: str) -> Status:
    """What is known without a supervisor; a dead tree is not shown as running."""
    servers = tuple(_recorded(known) for known in record.recorded_names())
    named = next((server for server in servers if server.name == name), ServerStatus(name))
    return Status(server=named, servers=servers, supervisor=SupervisorInfo(alive=False))


def page_lines(page: Status) -> list[str]:
    """The page for people, most important first."""
    lines = [headline(page.server)]
    ours = (one for one in page.operations if one.server == page.server.name)
    lines += [f"  swap     {one.swap_words}" for one in ours if one.swap_words]
    if page.server.last_failure and page.server.state in {ServerState.FAILED, ServerState.BACKOFF}:
        lines += _failure_lines(page.server)
    if page.metrics and page.server.state in {ServerState.READY, ServerState.STALLED}:
        lines += metrics_lines(page.metrics)
        lines += level_lines(page.levels)
        lines += [f"  ▸ {one.text} {one.remedy}".rstrip() for one in page.advice]
    if page.server.standby:
        lines.append(_standby_line(page.server.standby))
    lines += map(_sleeper_line, page.server.sleepers)
    lines += [f"  warning  {warning}" for warning in page.server.warnings]
    lines += _machine_lines(page)
    lines += [headline(other) for other in page.servers if other.name != page.server.name]
    lines += _foreign_lines(page)
    if not page.supervisor.alive:
        lines.append("no supervisor runs: this is what the records say")
    return lines


def _recorded(name: str) -> ServerStatus:
    known = record.load(name)
    status = recorded_status(known)
    if known.swap:
        status = replace(status, warnings=(*status.warnings, _interrupted(known.swap)))
    if known.run is None or status.state in {ServerState.STOPPED, ServerState.FAILED}:
        return status
    if known.run.boot_id == tree.boot_id() and tree.is_alive(known.run.leader):
        return status
    return replace(status, state=ServerState.FAILED, uptime_s=None)


def _interrupted(swap: record.Transaction) -> str:
    models = f"{swap.old.served_name} to {swap.candidates[0].served_name}"
    return f"a swap of {models} was interrupted; the next supervisor sees to it: vconsole smoke"


def _failure_lines(server: ServerStatus) -> list[str]:
    failure = server.last_failure
    assert failure is not None
    lines = [f"  why      {failure.message}  ({failure.cause})"]
    if failure.evidence_text:
        lines.append(f"  log line {failure.evidence_line}: {failure.evidence_text.strip()[:160]}")
    if failure.remedy:
        lines.append(f"  do       {failure.remedy}")
    return lines


def _machine_lines(page: Status) -> list[str]:
    lines = [f"  GPU {gpu.index}    {gpu.name or 'unknown'}  {card(gpu)}" for gpu in page.gpus]
    host = page.host
    if host.memory_total_bytes is not None:
        lines.append(
            f"  host     {gib(host.memory_available_bytes)} of {gib(host.memory_total_bytes)} "
            f"free, CPU {percent(host.cpu)}, disk {gib(host.disk_free_bytes)} free"
        )
    return lines


def _standby_line(standby: StandbyStatus) -> str:
    state = "loads" if standby.ready_s is None else "waits to become the next server"
    return f"  standby  {state}, holds {gib(standby.memory_bytes)} of memory (pid {standby.pid})"


def _sleeper_line(sleeper: SleeperStatus) -> str:
    cards = f", {gib(sleeper.card_bytes)} of the cards" if sleeper.card_bytes else ""
    held = f"holds {gib(sleeper.memory_bytes)} of memory{cards}"
    return f"  asleep   {sleeper.served_name}, {held} (pid {sleeper.pid}); a swap to it wakes it"


def _foreign_lines(page: Status) -> list[str]:
    servers = [
        f"◇ foreign  {one.model or 'a model behind a key'}  port {one.port}  pid {one.pid}  "
        f"user {one.user}  vLLM {one.version}  {held(one)}  (vconsole adopt {one.pid})"
        for one in page.foreign
    ]
    strays = [
        f"◇ stray    {one.name}  pid {one.pid}  user {one.user}  {held(one)}: its API server "
        f"is gone and nobody can use it; `kill {one.pid}` ends it"
        for one in page.strays
    ]
    return servers + strays


def held(process: ForeignServer | StrayProcess) -> str:
    """The memory that it holds, that of the cards first."""
    on_cards = process.gpu_memory_bytes
    on_cards_words = "" if on_cards is None else f"{gib(on_cards)} of GPU memory, "
    return f"{on_cards_words}{gib(process.memory_bytes)} of RAM"
