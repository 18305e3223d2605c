"""What scripts may rely on, as a table: commands, options, JSON keys, exit codes, settings, files.

`test_promises.py` walks it. A row is added to, never renamed: it is somebody's script.
"""

from __future__ import annotations

from dataclasses import dataclass

SERVER = (
    "name state desired model served_name profile url pid started_at uptime_s phase progress eta_s "
    "adopted restarts last_failure"
)
RUNNING_START = "state pid url model served_name ready_s phases[].name phases[].seconds"
SWAP = "state model rolled_back steps[].name steps[].seconds steps[].ok"
ERROR = "error.kind error.message error.remedy"
PERCENTILES = ("p50", "p95", "p99", "mean")
BATCH = (
    "job total completed failed reused requests_per_s generation_tokens_per_s seconds output errors"
)
FIT = (
    "verdict weights_bytes kv_bytes_per_token overhead_bytes kv_cache_bytes kv_cache_tokens "
    "max_concurrency max_model_len flags why validated_on"
)
PREDICTED = ("weights_bytes", "overhead_bytes", "kv_cache_bytes", "kv_cache_tokens")
BOUNDS = " ".join(f"{name}_low {name}_high" for name in PREDICTED)
LATENCIES = " ".join(
    f"metrics.{name}.{quantile}"
    for name in ("ttft_ms", "itl_ms", "e2e_ms")
    for quantile in PERCENTILES
)
METRICS = (
    "requests_running requests_waiting kv_cache_usage kv_cache_tokens prompt_tokens_per_s "
    "generation_tokens_per_s requests_per_s prefix_cache_hit_rate preemptions spec_acceptance "
    "sample_age_s"
)
GPU = (
    "index uuid name memory_total_bytes memory_used_bytes utilization temperature_c power_w "
    "power_limit_w throttle processes[].pid processes[].name processes[].user "
    "processes[].memory_bytes processes[].owner"
)


def under(prefix: str, names: str) -> str:
    return " ".join(f"{prefix}.{name}" for name in names.split())


STATUS = " ".join(
    (
        under("server", SERVER),
        under("servers[]", SERVER),
        under("metrics", METRICS),
        LATENCIES,
        under("gpus[]", GPU),
        under("host", "memory_total_bytes memory_available_bytes cpu disk_free_bytes"),
        under("ollama", "running gpu_bytes models"),
        under("jobs[]", "id kind state done total failed eta_s"),
        under("foreign[]", "pid user port model version"),
        under("supervisor", "pid version alive"),
    )
)


# 0 or 1: how this machine is, is no promise.
EITHER = -1


@dataclass(frozen=True)
class Row:
    """A command line as it is run, and the keys that its JSON has at least.

    `{…}` are filled in by the test. `[]` in a key goes through a list; an empty one promises
    nothing of its members. `lines` prints an object a line. `home` says whose: `shared` has the
    server `main`, `bare` has nothing at all.
    """

    command: str
    keys: str = ""
    code: int = 0
    lines: bool = False
    home: str = "shared"


# In this order: what one makes, the next one uses.
ROWS = (
    Row("status --json", STATUS),
    Row("status --json", under("server", SERVER), home="bare"),
    Row("engine status --json", "version device python flashinfer path"),
    Row("engine list --json", "engines"),
    Row("logs --json -n 20", lines=True),
    Row("logs --json --level warning --grep . -n 5", lines=True),
    Row("diagnose --json", "cause severity evidence remedy retryable suggested_flags"),
    Row(
        "diagnose {failed_log} --json",
        "cause severity evidence.line evidence.text remedy retryable suggested_flags",
    ),
    Row(
        "ask hello --max-tokens 5 --system short --temperature 0 --no-stream --json",
        "text reasoning finish_reason prompt_tokens completion_tokens ttft_ms tokens_per_s",
    ),
    Row("smoke --json", "passed checks[].name checks[].passed checks[].ms checks[].detail"),
    Row("batch run {prompts} -o {answers} --max-tokens 4 --json", BATCH),
    Row("batch run {prompts} -o {answers} --max-tokens 4 --concurrency 2 --json", BATCH),
    Row("batch run {prompts} -o {answers} --max-tokens 4 --restart --json", BATCH),
    Row("batch run {bad} -o {folder}/bad.jsonl --json", BATCH, code=1),
    Row("batch run {bad} -o {folder}/bad.jsonl --retry-failed --json", BATCH, code=1),
    Row("batch run {prompts} -o {folder}/b.jsonl --not-before 2999-01-01 --detach --json", "job"),
    Row("batch list --json", "jobs[].id jobs[].state"),
    Row("batch pause {job} --json", "job"),
    Row("batch resume {job} --json", "job"),
    Row("batch cancel {job} --json", "job"),
    Row("batch show {job} --json", BATCH),
    Row(
        "bench --concurrency 1,2 --requests 2 --repeats 1 --input-tokens 8 --output-tokens 4 "
        "--against {url}=twin --json",
        under(
            "runs[]",
            "target concurrency requests failed requests_per_s generation_tokens_per_s "
            "ttft_ms.p50 ttft_ms.p95 ttft_ms.p99 itl_ms e2e_ms",
        ),
    ),
    Row("fit {model} --gpu H100 --json", f"{FIT} {BOUNDS}"),
    Row(
        "fit {model} --gpu-memory 24 --gpu-memory-free 20 --tensor-parallel 1 --max-model-len 512 "
        "--max-num-seqs 4 --gpu-memory-utilization 0.8 --kv-cache-dtype fp8 --enforce-eager --json",
        FIT,
    ),
    Row("fit {model} --gpu-memory 1 --max-model-len 1000000000 --json", FIT),
    Row(
        "models list --json",
        under("models[]", "name source path bytes quantization verdict kv_cache_tokens"),
    ),
    Row(
        "doctor --json",
        under("checks[]", "name status detail remedy fixable") + " score",
        code=EITHER,
    ),
    Row("ollama status --json", "running owner models gpu_bytes blocked"),
    Row("service install demo --print --json", "unit scope"),
    Row("monitoring export {folder}/monitoring --json", "files"),
    Row("config show --json", "settings"),
    Row("config path --json", "config profiles state data cache socket"),
    Row("events --since 1d --json", "kind at text", lines=True),
    Row("report --since 1h --json", "served restarts failures jobs energy_wh cost advice"),
    Row("supervisor status --json", "pid version socket owner"),
    # A second server: started, swapped, restarted, stopped. What a user started by hand is
    # adopted in test_foreign.py; here nothing is that is no vLLM.
    Row("adopt {pid} --name second --yes --json", ERROR, code=5),
    Row("demo --headless --name second --port {port} --json", "ready_s smoke.passed url"),
    Row("swap demo-owl --name second --json", SWAP),
    Row("restart --name second --json", f"{SWAP} {RUNNING_START}"),
    Row("stop --name second --timeout 0.001 --json", ERROR, code=4),
    Row("stop --name second --drain 0 --json", "state seconds survivors gpu_memory_released"),
    Row("status --name second --json", under("server", SERVER)),
    # Exit codes.
    Row("start /no/such/model --name none --json", ERROR, 1),
    Row("nonsense --json", ERROR, 2),
    Row("ask hello --max-tokens many --json", ERROR, 2),
    Row("ask hello --name nobody --json", ERROR, 3),
    Row("stop --name nobody --json", ERROR, 3),
    Row("--readonly stop --json", ERROR, 5),
    Row("start demo --json", ERROR, 5),
    Row("start demo --name new --port {taken} --json", ERROR, 5),
)

# Options that a row above cannot show; every command takes --help, those of SERVERS --name.
OPTIONS = {
    "demo": "--headless",
    "engine install": "--cpu --cuda --version",
    "engine use": "",
    "engine upgrade": "--version",
    "engine rollback": "",
    "start": "--port --host --served-name --no-wait --timeout",
    "stop": "--drain",
    "restart": "",
    "swap": "",
    "status": "--watch --json",
    "report": "--since --json",
    "events": "--since --follow --json",
    "adopt": "--json",
    "logs": "--follow --level --grep -n",
    "diagnose": "--json",
    "ask": "--max-tokens --system --temperature --no-stream",
    "smoke": "--json",
    "batch run": "--output --concurrency --detach --restart --retry-failed",
    "batch list": "",
    "batch show": "",
    "batch pause": "",
    "batch resume": "",
    "batch cancel": "",
    "bench": "--concurrency --requests --input-tokens --output-tokens --against --profiles",
    "tune": "--json",
    "prove": "--json",
    "fit": "--gpu --gpu-memory --gpu-memory-free --tensor-parallel --max-model-len --max-num-seqs "
    "--gpu-memory-utilization --kv-cache-dtype --quantization --enforce-eager",
    "models list": "--json",
    "models search": "--json",
    "models pull": "--json",
    "models rm": "--json",
    "models refresh": "--json",
    "doctor": "--fix --json",
    "ollama status": "--json",
    "ollama unload": "--json",
    "ollama stop": "--json",
    "ollama disable": "--json",
    "ollama restore": "--json",
    "service install": "--user --system --print",
    "service uninstall": "--user --system",
    "service status": "--user --system",
    "monitoring export": "--json",
    "config show": "--json",
    "config path": "",
    "config edit": "",
    "supervisor run": "",
    "supervisor status": "",
    "supervisor stop": "--servers",
}
SERVERS = (
    "demo start stop restart swap status report events adopt logs diagnose ask smoke bench tune "
    "prove"
)

SETTINGS = (
    "ui.theme ui.keymap ui.mouse ui.ascii prices.kwh prices.hardware_per_hour prices.currency "
    "service_level.ttft_p95_ms service_level.itl_p95_ms service_level.error_ratio"
)
PROFILE = """[promised]
model = "demo"
served_name = "promised"
port = 8765
devices = "0"
flags = { max-model-len = 512 }
env = { VLLM_LOGGING_LEVEL = "INFO" }
fallback = ["demo-owl"]
"""
CATALOGUE = """[models."acme/of-the-user"]
parameters = 1_000_000
"""
