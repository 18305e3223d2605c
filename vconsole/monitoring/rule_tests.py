"""The unit tests of the alert rules, for `promtool test rules` (JSON is YAML to it).

Each alert has series under which it fires and others under which it must not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vconsole.monitoring.targets import ServiceLevel

HOST = 'instance="gpu-box:8000",job="vllm"'
OURS = 'instance="gpu-box:9101",job="vconsole"'
MINUTES = 60
Series = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Series as promtool notes them, one value a minute, and whether the alert fires at the end."""

    alert: str
    series: Series
    fires: bool


def rule_tests(level: ServiceLevel) -> dict[str, Any]:
    """The file as promtool reads it."""
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [_test(case) for case in cases(level)],
    }


def cases(level: ServiceLevel) -> tuple[Case, ...]:
    """The whole table; latencies are put well above and well below what was promised."""
    wanted = f'vconsole_server_wanted{{{OURS},server="main",address="gpu-box:8000"}}'
    running = f"vllm:num_requests_running{{{HOST}}}"
    waiting = f"vllm:num_requests_waiting{{{HOST}}}"
    kv = f"vllm:kv_cache_usage_perc{{{HOST}}}"
    tokens = f"vllm:generation_tokens_total{{{HOST}}}"
    prompts = f"vllm:prompt_tokens_total{{{HOST}}}"
    preempted = f"vllm:num_preemptions_total{{{HOST}}}"
    hot = f'vconsole_gpu_throttled{{{OURS},gpu="0",reason="thermal"}}'
    capped = f'vconsole_gpu_throttled{{{OURS},gpu="0",reason="power cap"}}'
    readable = f'vconsole_gpu_readable{{{OURS},gpu="0"}}'
    idle = f'vconsole_job_idle_seconds{{{OURS},job_id="b1"}}'
    ollama = f"vconsole_ollama_gpu_bytes{{{OURS}}}"
    away = f"vconsole_ollama_sent_away{{{OURS}}}"
    errors, few_errors = _errors(level.error_ratio * 20), _errors(level.error_ratio / 10)
    return (
        Case("VllmDown", ((f"up{{{HOST}}}", _flat(0)),), True),
        Case("VllmDown", ((f"up{{{HOST}}}", _flat(0)), (wanted, _flat(1))), True),
        Case("VllmDown", ((f"up{{{HOST}}}", _flat(0)), (wanted, _flat(0))), False),
        Case("VllmDown", ((f"up{{{HOST}}}", _flat(1)),), False),
        Case("VllmStalled", ((running, _flat(3)), (tokens, _flat(9)), (prompts, _flat(9))), True),
        Case("VllmStalled", ((running, _flat(3)), (tokens, _up(9)), (prompts, _flat(9))), False),
        Case("VllmKvCacheFull", ((kv, _flat(0.99)), (waiting, _flat(4))), True),
        Case("VllmKvCacheFull", ((kv, _flat(0.99)), (waiting, _flat(0))), False),
        Case("VllmPreemptionStorm", ((preempted, _up(90)),), True),
        Case("VllmPreemptionStorm", ((preempted, _up(1)),), False),
        Case("VllmSlowTtft", _latency("time_to_first_token", level.ttft_p95_ms * 4), True),
        Case("VllmSlowTtft", _latency("time_to_first_token", level.ttft_p95_ms / 4), False),
        Case("VllmSlowItl", _latency("inter_token_latency", level.itl_p95_ms * 4), True),
        Case("VllmSlowItl", _latency("inter_token_latency", level.itl_p95_ms / 4), False),
        Case("VllmErrorBudgetFast", errors, True),
        Case("VllmErrorBudgetFast", few_errors, False),
        Case("VllmErrorBudgetSlow", errors, True),
        Case("VllmErrorBudgetSlow", few_errors, False),
        Case("GpuHot", ((hot, _flat(1)),), True),
        Case("GpuHot", ((capped, _flat(1)),), False),
        Case("GpuLost", ((readable, _flat(0)),), True),
        Case("GpuLost", ((readable, _flat(1)),), False),
        Case("VconsoleJobStuck", ((idle, _up(60)),), True),
        Case("VconsoleJobStuck", ((idle, _flat(9)),), False),
        Case("OllamaBack", ((ollama, _flat(2e9)), (away, _flat(1))), True),
        Case("OllamaBack", ((ollama, _flat(2e9)), (away, _flat(0))), False),
    )


def _test(case: Case) -> dict[str, Any]:
    firing = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}}) or vector(0)'
    return {
        "name": f"{case.alert} {'fires' if case.fires else 'keeps silent'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": f"{MINUTES - 1}m",
                "exp_samples": [{"labels": "{}", "value": int(case.fires)}],
            }
        ],
    }


def _flat(value: float) -> str:
    return f"{value:g}x{MINUTES}"


def _up(each_minute: float) -> str:
    return f"0+{each_minute:g}x{MINUTES}"


def _latency(family: str, milliseconds: float) -> Series:
    """A histogram of which every observation lies at that latency, within a tenth."""
    name, seconds = f"vllm:{family}_seconds_bucket", milliseconds / 1000
    below, above = f"{seconds * 0.9:g}", f"{seconds * 1.1:g}"
    return (
        (f'{name}{{{HOST},le="{below}"}}', _flat(0)),
        (f'{name}{{{HOST},le="{above}"}}', _up(60)),
        (f'{name}{{{HOST},le="+Inf"}}', _up(60)),
    )


def _errors(ratio: float) -> Series:
    """A thousand requests a minute, that share of them failed."""
    failed, share = min(1.0, ratio) * 1000, 'handler="/v1/completions",method="POST"'
    return (
        (f'http_requests_total{{{HOST},{share},status="5xx"}}', _up(failed)),
        (f'http_requests_total{{{HOST},{share},status="2xx"}}', _up(1000 - failed)),
    )
