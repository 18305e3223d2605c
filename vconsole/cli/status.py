"""status: everything on one page, from the supervisor or, without one, from the records."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import duration, figure, gib, print_json
from vconsole.host.readings import Gpu
from vconsole.supervisor.autostart import running_supervisor
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import (
    ForeignServer,
    ServerState,
    ServerStatus,
    Status,
    StrayProcess,
    SupervisorInfo,
)
from vconsole.supervisor.processes import tree
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.recorded import recorded_status

SYMBOLS = {
    ServerState.READY: "●",
    ServerState.STARTING: "◐",
    ServerState.STOPPING: "◑",
    ServerState.STALLED: "▲",
    ServerState.BACKOFF: "↻",
    ServerState.FAILED: "✕",
    ServerState.STOPPED: "○",
}


@click.command(epilog="Example: vconsole status --json | jq .server.state")
@click.option("--watch", is_flag=True, help="Print a line each second until interrupted.")
@server_name
@json_output
def status(watch: bool, name: str, as_json: bool) -> None:
    """Say what runs, how it does, and what fills the machine. Starts and stops nothing."""
    client = running_supervisor()
    if watch and client:
        _watch(client, name, as_json)
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
    lines = [_headline(page.server)]
    if page.server.last_failure and page.server.state in {ServerState.FAILED, ServerState.BACKOFF}:
        lines += _failure_lines(page.server)
    if page.metrics and page.server.state in {ServerState.READY, ServerState.STALLED}:
        lines += _metrics_lines(page)
    lines += [f"  warning  {warning}" for warning in page.server.warnings]
    lines += _machine_lines(page)
    lines += [_headline(other) for other in page.servers if other.name != page.server.name]
    lines += _foreign_lines(page)
    if not page.supervisor.alive:
        lines.append("no supervisor runs: this is what the records say")
    return lines


def _watch(client: SupervisorClient, name: str, as_json: bool) -> None:
    shown = None
    for page in client.watch(name):
        second = datetime.now().astimezone().strftime("%H:%M:%S")
        if second == shown:
            continue
        shown = second
        if as_json:
            print_json(page)
        else:
            click.echo(f"{second} {_watch_line(page)}")


def _watch_line(page: Status) -> str:
    server, metrics = page.server, page.metrics
    if server.state is ServerState.STARTING:
        share = "" if server.progress is None else f" {server.progress:.0%}"
        eta = "" if server.eta_s is None else f"  about {duration(server.eta_s)} left"
        return f"{_headline(server)}  {server.phase}{share}{eta}"
    if metrics is None or server.state is not ServerState.READY:
        return _headline(server)
    return (
        f"{SYMBOLS[server.state]} {server.served_name}  "
        f"run {figure(metrics.requests_running)}  wait {figure(metrics.requests_waiting)}  "
        f"gen {figure(metrics.generation_tokens_per_s)} tok/s  "
        f"prompt {figure(metrics.prompt_tokens_per_s)} tok/s  KV {_percent(metrics.kv_cache_usage)}"
    )


def _recorded(name: str) -> ServerStatus:
    known = record.load(name)
    status = recorded_status(known)
    if known.run is None or status.state in {ServerState.STOPPED, ServerState.FAILED}:
        return status
    if known.run.boot_id == tree.boot_id() and tree.is_alive(known.run.leader):
        return status
    return replace(status, state=ServerState.FAILED, uptime_s=None)


def _headline(server: ServerStatus) -> str:
    parts = [f"{SYMBOLS[server.state]} {server.state.upper():<9}{server.name}"]
    if server.state in {ServerState.STOPPED, ServerState.FAILED}:
        parts.append(f"last {server.served_name}" if server.served_name else "nothing ran yet")
    elif server.state is ServerState.BACKOFF:
        parts += [server.served_name or "", "starts again soon"]
    else:
        parts += [server.served_name or "", server.url or "", f"pid {server.pid}"]
        parts.append(f"up {duration(server.uptime_s)}")
    return "  ".join(part for part in parts if part)


def _failure_lines(server: ServerStatus) -> list[str]:
    failure = server.last_failure
    assert failure is not None
    lines = [f"  why      {failure.message}  ({failure.cause})"]
    if failure.evidence_text:
        lines.append(f"  log line {failure.evidence_line}: {failure.evidence_text.strip()[:160]}")
    if failure.remedy:
        lines.append(f"  do       {failure.remedy}")
    return lines


def _metrics_lines(page: Status) -> list[str]:
    metrics = page.metrics
    assert metrics is not None
    ttft, itl = metrics.ttft_ms, metrics.itl_ms
    return [
        f"  requests {figure(metrics.requests_running)} running, "
        f"{figure(metrics.requests_waiting)} waiting, {figure(metrics.requests_per_s, '/s', 1)}",
        f"  tokens   {figure(metrics.generation_tokens_per_s)}/s generated, "
        f"{figure(metrics.prompt_tokens_per_s)}/s of prompts",
        f"  KV cache {_percent(metrics.kv_cache_usage)} of "
        f"{figure(metrics.kv_cache_tokens)} tokens, "
        f"prefix hits {_percent(metrics.prefix_cache_hit_rate)}, "
        f"{figure(metrics.preemptions)} preempted",
        f"  latency  TTFT p50 {figure(ttft.p50)} p95 {figure(ttft.p95)} ms, "
        f"ITL p50 {figure(itl.p50, digits=1)} p95 {figure(itl.p95, digits=1)} ms (1 min)",
    ]


def _machine_lines(page: Status) -> list[str]:
    lines = [f"  GPU {gpu.index}    {gpu.name or 'unknown'}  {_card(gpu)}" for gpu in page.gpus]
    host = page.host
    if host.memory_total_bytes is not None:
        lines.append(
            f"  host     {gib(host.memory_available_bytes)} of {gib(host.memory_total_bytes)} "
            f"free, CPU {_percent(host.cpu)}, disk {gib(host.disk_free_bytes)} free"
        )
    return lines


def _card(gpu: Gpu) -> str:
    if gpu.state:
        return gpu.state
    throttled = f", throttled: {', '.join(gpu.throttle)}" if gpu.throttle else ""
    return (
        f"{gib(gpu.memory_used_bytes)} of {gib(gpu.memory_total_bytes)}  "
        f"{_percent(gpu.utilization)}  {figure(gpu.temperature_c)} °C{throttled}"
    )


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


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"
