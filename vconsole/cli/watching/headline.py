"""A server and a card in one line each, for the page and for the line a second."""

from __future__ import annotations

from vconsole.cli.output import duration, figure, gib, percent
from vconsole.host.readings import Gpu
from vconsole.supervisor.model import ServerState, ServerStatus

SYMBOLS = {
    ServerState.READY: "●",
    ServerState.STARTING: "◐",
    ServerState.STOPPING: "◑",
    ServerState.STALLED: "▲",
    ServerState.BACKOFF: "↻",
    ServerState.FAILED: "✕",
    ServerState.STOPPED: "○",
    ServerState.ASLEEP: "☾",
}


def headline(server: ServerStatus) -> str:
    parts = [f"{SYMBOLS[server.state]} {server.state.upper():<9}{server.name}"]
    if server.state in {ServerState.STOPPED, ServerState.FAILED}:
        parts.append(f"last {server.served_name}" if server.served_name else "nothing ran yet")
    elif server.state is ServerState.BACKOFF:
        parts += [server.served_name or "", "starts again soon"]
    else:
        parts += [server.served_name or "", server.url or "", f"pid {server.pid}"]
        parts.append(f"up {duration(server.uptime_s)}")
    return "  ".join(part for part in parts if part)


def card(gpu: Gpu) -> str:
    if gpu.state:
        return gpu.state
    throttled = f", throttled: {', '.join(gpu.throttle)}" if gpu.throttle else ""
    return (
        f"{gib(gpu.memory_used_bytes)} of {gib(gpu.memory_total_bytes)}  "
        f"{percent(gpu.utilization)}  {figure(gpu.temperature_c)} °C{throttled}"
    )
