"""The Grafana dashboard, from a table of panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SOURCE = {"type": "prometheus", "uid": "vconsole-prometheus"}
WIDTH, HEIGHT, COLUMNS = 8, 7, 3


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph: its unit is Grafana's word for it; each query has a legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def _percentiles(family: str) -> tuple[tuple[str, str], ...]:
    rates = f"sum by (instance, le) (rate({family}_bucket[$__rate_interval]))"
    return tuple(
        (f"histogram_quantile({quantile}, {rates})", f"{{{{instance}}}} p{round(quantile * 100)}")
        for quantile in (0.5, 0.95, 0.99)
    )


def _sum(expression: str) -> tuple[tuple[str, str], ...]:
    return ((f"sum by (instance) ({expression})", "{{instance}}"),)


PANELS = (
    Panel(
        "Generated tokens", "short", _sum("rate(vllm:generation_tokens_total[$__rate_interval])")
    ),
    Panel("Prompt tokens", "short", _sum("rate(vllm:prompt_tokens_total[$__rate_interval])")),
    Panel("Finished requests", "reqps", _sum("rate(vllm:request_success_total[$__rate_interval])")),
    Panel("TTFT", "s", _percentiles("vllm:time_to_first_token_seconds")),
    Panel("ITL", "s", _percentiles("vllm:inter_token_latency_seconds")),
    Panel("E2E", "s", _percentiles("vllm:e2e_request_latency_seconds")),
    Panel(
        "Running and waiting",
        "short",
        (
            ("sum by (instance) (vllm:num_requests_running)", "{{instance}} running"),
            ("sum by (instance) (vllm:num_requests_waiting)", "{{instance}} waiting"),
        ),
    ),
    Panel(
        "KV cache in use",
        "percentunit",
        (("avg by (instance) (vllm:kv_cache_usage_perc)", "{{instance}}"),),
    ),
    Panel("Preemptions", "short", _sum("rate(vllm:num_preemptions_total[$__rate_interval])")),
    Panel(
        "Prefix cache hits",
        "percentunit",
        (
            (
                "sum by (instance) (rate(vllm:prefix_cache_hits_total[$__rate_interval]))"
                " / (sum by (instance)"
                " (rate(vllm:prefix_cache_queries_total[$__rate_interval])) > 0)",
                "{{instance}}",
            ),
        ),
    ),
    Panel("GPU memory in use", "bytes", (("vconsole_gpu_memory_used_bytes", "GPU {{gpu}}"),)),
    Panel("GPU power", "watt", (("vconsole_gpu_power_watts", "GPU {{gpu}}"),)),
    Panel("GPU temperature", "celsius", (("vconsole_gpu_temperature_celsius", "GPU {{gpu}}"),)),
    Panel("Server state", "short", (("vconsole_server_state == 1", "{{server}} {{state}}"),)),
    Panel("Restarts", "short", (("vconsole_server_restarts_total", "{{server}}"),)),
    Panel("Failed answers", "percentunit", (("vconsole:error_ratio:rate5m", "{{instance}}"),)),
    Panel(
        "Jobs",
        "short",
        (("vconsole_job_done", "{{job_id}} done"), ("vconsole_job_requests", "{{job_id}} in all")),
    ),
    Panel("Budget left", "percentunit", (("vconsole_budget_left_ratio", "{{server}} {{level}}"),)),
    Panel(
        "Burn rate",
        "short",
        (('vconsole_burn_rate{window="1h"}', "{{server}} {{level}}"),),
    ),
    Panel("Energy", "joule", (("vconsole_energy_joules_total", "{{instance}}"),)),
    Panel("Cost", "short", (("vconsole_cost_total", "{{instance}}"),)),
)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it (its JSON model, schema 39)."""
    return {
        "uid": "vconsole",
        "title": "vLLM by vconsole",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "tags": ["vllm", "vconsole"],
        "panels": [_panel(place, panel) for place, panel in enumerate(PANELS)],
    }


def _panel(place: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(place, COLUMNS)
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "expr": query, "legendFormat": legend}
            for number, (query, legend) in enumerate(panel.queries)
        ],
    }
