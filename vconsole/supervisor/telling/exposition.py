"""vconsole's own metrics in Prometheus's text format: cards, states, restarts, jobs, energy.

Names follow Prometheus's conventions: base units, `_total` on counters. What is unknown is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from vconsole.host.readings import Gpu
from vconsole.supervisor.model import Desired, Level, ServerState, ServerStatus, Status


class _Once(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def exposition(
    status: Status,
    sent_away: bool,
    energy_wh: float | None,
    cost: float | None,
    levels: Iterable[Level] = (),
) -> bytes:
    """The body of a scrape; energy and cost are since the counting began."""
    registry = CollectorRegistry(auto_describe=False)
    families = (
        *_about(status),
        *_servers(status.servers),
        *_gpus(status.gpus),
        *_others(status, sent_away),
        *_spent(energy_wh, cost),
        *_promised(levels),
    )
    registry.register(_Once(family for family in families if family.samples))
    return generate_latest(registry)


def _about(status: Status) -> Iterator[Metric]:
    info = GaugeMetricFamily("vconsole_build_info", "Which vconsole it is", labels=["version"])
    info.add_metric([status.supervisor.version or ""], 1)
    yield info


def _servers(servers: Iterable[ServerStatus]) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "vconsole_server_state", "1 for the state that it is in", labels=["server", "state"]
    )
    wanted = GaugeMetricFamily(
        "vconsole_server_wanted",
        "1 if it should be running; the address is where it serves, or served last",
        labels=["server", "address"],
    )
    restarts = CounterMetricFamily(
        "vconsole_server_restarts", "Restarts that nobody asked for", labels=["server"]
    )
    up = GaugeMetricFamily("vconsole_server_uptime_seconds", "Since its start", labels=["server"])
    for server in servers:
        for one in ServerState:
            state.add_metric([server.name, one], float(server.state is one))
        address = urlsplit(server.url or "").netloc
        wanted.add_metric([server.name, address], float(server.desired is Desired.RUNNING))
        restarts.add_metric([server.name], server.restarts)
        if server.uptime_s is not None:
            up.add_metric([server.name], server.uptime_s)
    yield from (state, wanted, restarts, up)


def _gpus(gpus: Iterable[Gpu]) -> Iterator[Metric]:
    """Each figure of each card; `vconsole_gpu_readable` is 0 for one that is lost."""
    labels = ["gpu", "uuid", "name"]
    readable = GaugeMetricFamily("vconsole_gpu_readable", "0 if the card is lost", labels=labels)
    gauges = {
        "memory_total_bytes": ("memory_total_bytes", "Memory of the card"),
        "memory_used_bytes": ("memory_used_bytes", "Memory in use"),
        "utilization": ("utilization_ratio", "Share of the time in which a kernel ran"),
        "temperature_c": ("temperature_celsius", "Temperature"),
        "power_w": ("power_watts", "Power drawn now"),
        "power_limit_w": ("power_limit_watts", "Power that it may draw"),
    }
    families = {
        field: GaugeMetricFamily(f"vconsole_gpu_{name}", help, labels=labels)
        for field, (name, help) in gauges.items()
    }
    energy = CounterMetricFamily(
        "vconsole_gpu_energy_joules", "Energy since the driver was loaded", labels=labels
    )
    throttled = GaugeMetricFamily(
        "vconsole_gpu_throttled", "1 while it is slowed down", labels=["gpu", "reason"]
    )
    for gpu in gpus:
        who = [str(gpu.index), gpu.uuid or "", gpu.name or ""]
        readable.add_metric(who, float(gpu.state is None))
        for field, family in families.items():
            if (value := getattr(gpu, field)) is not None:
                family.add_metric(who, value)
        if gpu.energy_j is not None:
            energy.add_metric(who, gpu.energy_j)
        for reason in gpu.throttle:
            throttled.add_metric([str(gpu.index), reason], 1)
    yield from (readable, *families.values(), energy, throttled)


def _others(status: Status, sent_away: bool) -> Iterator[Metric]:
    if status.ollama.gpu_bytes is not None:
        yield GaugeMetricFamily(
            "vconsole_ollama_gpu_bytes",
            "GPU memory that Ollama holds",
            status.ollama.gpu_bytes,
        )
    yield GaugeMetricFamily(
        "vconsole_ollama_sent_away", "1 while Ollama has been made to give way", float(sent_away)
    )
    labels = ["job_id", "kind"]
    done = GaugeMetricFamily(
        "vconsole_job_done", "Requests of the job that are done", labels=labels
    )
    total = GaugeMetricFamily("vconsole_job_requests", "Requests of the job", labels=labels)
    failed = GaugeMetricFamily("vconsole_job_failed", "Requests that failed", labels=labels)
    idle = GaugeMetricFamily(
        "vconsole_job_idle_seconds", "Since it last made progress, while it should", labels=labels
    )
    for job in status.jobs:
        who = [job.id, job.kind]
        done.add_metric(who, job.done)
        total.add_metric(who, job.total)
        failed.add_metric(who, job.failed)
        if job.idle_s is not None:
            idle.add_metric(who, job.idle_s)
    yield from (done, total, failed, idle)


def _spent(energy_wh: float | None, cost: float | None) -> Iterator[Metric]:
    if energy_wh is not None:
        yield CounterMetricFamily(
            "vconsole_energy_joules", "Energy drawn by all cards, as counted here", energy_wh * 3600
        )
    if cost is not None:
        yield CounterMetricFamily(
            "vconsole_cost", "Energy and hardware at the prices of the settings", cost
        )


def _promised(levels: Iterable[Level]) -> Iterator[Metric]:
    """Budgets of 30 days and how fast they burn; the windows are those of the alarms."""
    labels = ["server", "level"]
    left = GaugeMetricFamily(
        "vconsole_budget_left_ratio", "Share of the budget of 30 days that is left", labels=labels
    )
    burn = GaugeMetricFamily(
        "vconsole_burn_rate", "1 spends the budget in exactly 30 days", labels=[*labels, "window"]
    )
    for level in levels:
        if level.budget_left is not None:
            left.add_metric([level.server, level.name], level.budget_left)
        for window, rate in level.burn.items():
            if rate is not None:
                burn.add_metric([level.server, level.name, window], rate)
    yield from (left, burn)
