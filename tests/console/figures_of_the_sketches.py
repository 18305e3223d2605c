"""Fixed moments of a server on an RTX 4080, and of a machine without a GPU, for the snapshots."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vconsole.engine.metrics.figures import Metrics, Quantiles
from vconsole.host.readings import Gpu, GpuProcess, Host
from vconsole.supervisor.model import (
    AskEvent,
    Desired,
    EngineInfo,
    Failure,
    ForeignServer,
    Level,
    Operation,
    OperationState,
    PhaseTime,
    Sample,
    ServerState,
    ServerStatus,
    SmokeCheck,
    SmokeReport,
    Status,
    Step,
    StrayProcess,
    SupervisorInfo,
    Transition,
    WayOut,
)

GIB = 1024**3
NOW = datetime(2026, 11, 23, 14, 2, 30, tzinfo=UTC)
HOST = Host(
    memory_total_bytes=int(62.6 * GIB),
    memory_available_bytes=int(41.2 * GIB),
    cpu=0.12,
    disk_free_bytes=200 * GIB,
    hostname="gpu-box",
)
CARD = Gpu(
    index=0,
    uuid="GPU-0",
    name="NVIDIA GeForce RTX 4080",
    memory_total_bytes=16 * GIB,
    memory_used_bytes=int(14.6 * GIB),
    utilization=0.92,
    temperature_c=71,
    power_w=248.3,
    power_limit_w=320,
    processes=(
        GpuProcess(4101, "VLLM::EngineCore", "ada", int(13.7 * GIB), "ours"),
        GpuProcess(811, "ollama", "ollama", int(0.5 * GIB), "ollama"),
        GpuProcess(902, "Xorg", "root", int(0.2 * GIB), "other"),
    ),
)
SMOKE = SmokeReport(
    passed=True,
    checks=(SmokeCheck("chat", True, 412.0, "12 tokens"), SmokeCheck("models", True, 3.0, "1")),
    seconds=2.1,
    at=NOW - timedelta(minutes=4),
)
COMMAND = ("vllm", "serve", "/srv/models/mistral-7b-instruct-fp8", "--port", "8000")


def _transition(state: ServerState, minutes: float, cause: str) -> Transition:
    return Transition(state, NOW - timedelta(minutes=minutes), cause)


LEVELS = (
    Level(
        "main",
        "ttft_p95_ms",
        1000.0,
        0.05,
        1_204_118,
        15_210,
        0.747,
        {"5m": 0.2, "30m": 0.3, "1h": 0.3, "6h": 0.4, "3d": 0.3},
        None,
        "kept",
        "1,204,118 requests of the last 30 days in vLLM's own counters, 15,210 had their first"
        " token later",
    ),
    Level(
        "main",
        "itl_p95_ms",
        100.0,
        0.05,
        402_770_113,
        1_610_204,
        0.920,
        {"5m": 0.1, "30m": 0.1, "1h": 0.1, "6h": 0.1, "3d": 0.1},
        None,
        "kept",
        "402,770,113 tokens of the last 30 days in vLLM's own counters, 1,610,204 came later",
    ),
    Level(
        "main",
        "error_ratio",
        0.01,
        0.01,
        1_206_001,
        1_883,
        0.844,
        {"5m": 0.0, "30m": 0.0, "1h": 0.0, "6h": 0.7, "3d": 0.2},
        None,
        "kept",
        "1,206,001 answers of the last 30 days in vLLM's own counters, 1,883 were a 5xx",
    ),
)


def ready(log: Path) -> Status:
    server = ServerStatus(
        name="main",
        state=ServerState.READY,
        desired=Desired.RUNNING,
        model="/srv/models/mistral-7b-instruct-fp8",
        served_name="mistral-7b-instruct",
        url="http://127.0.0.1:8000",
        port=8000,
        pid=4100,
        started_at=NOW - timedelta(minutes=193),
        ready_at=NOW - timedelta(minutes=192),
        uptime_s=192 * 60,
        command=COMMAND,
        log_path=str(log),
        transitions=(
            _transition(ServerState.STARTING, 193, "asked for"),
            _transition(ServerState.READY, 192, "answers"),
        ),
    )
    metrics = Metrics(
        requests_running=28,
        requests_waiting=0,
        kv_cache_usage=0.54,
        kv_cache_tokens=46_700,
        prompt_tokens_per_s=6310,
        generation_tokens_per_s=1842,
        requests_per_s=11.4,
        prefix_cache_hit_rate=0.71,
        preemptions=0,
        ttft_ms=Quantiles(82, 310, 640, 118),
        itl_ms=Quantiles(14, 19, 31, 15),
        e2e_ms=Quantiles(2100, 4800, 6000, 2450),
        sample_age_s=0.4,
        ttft_10min_ms=Quantiles(91, 340, 700, 131),
        itl_10min_ms=Quantiles(13, 18, 34, 14),
        e2e_10min_ms=Quantiles(2200, 5100, 7400, 2600),
        batch_size=26.4,
        step_tokens=117,
        tokens_per_joule=7.42,
        prefix_caching=True,
    )
    return Status(
        server=server,
        servers=(server,),
        metrics=metrics,
        gpus=(CARD,),
        server_gpus=(0,),
        host=HOST,
        supervisor=SupervisorInfo(pid=900, version="0.1.0", alive=True),
        engine=EngineInfo("0.32.0", "cuda", "/opt/engine/bin/python", "/opt/engine"),
        smoke=SMOKE,
        levels=LEVELS,
    )


def on_a_cpu(log: Path) -> Status:
    status = ready(log)
    engine = EngineInfo("0.32.0", "cpu", "/opt/engine/bin/python", "/opt/engine")
    note = "no NVIDIA driver on this host"
    return replace(status, gpus=(), gpu_note=note, engine=engine)


def starting(log: Path) -> Status:
    status = ready(log)
    server = replace(
        status.server,
        state=ServerState.STARTING,
        model="/srv/models/gpt-oss-20b",
        served_name="gpt-oss-20b",
        started_at=NOW - timedelta(seconds=19.4),
        ready_at=None,
        uptime_s=None,
        phase="weights",
        progress=0.62,
        eta_s=48,
        eta_starts=5,
        phases=(PhaseTime("config", 1.2), PhaseTime("init", 6.8), PhaseTime("weights")),
        transitions=(Transition(ServerState.STARTING, NOW - timedelta(seconds=19), "asked for"),),
    )
    operation = Operation(
        id="op-0",
        kind="start",
        server="main",
        state=OperationState.RUNNING,
        started_at=NOW - timedelta(seconds=19.4),
        steps=(Step("spawn", 0.1, True), Step("wait until ready")),
    )
    card = replace(CARD, memory_used_bytes=int(8.9 * GIB), utilization=0.03, power_w=61.0)
    engine = replace(CARD.processes[0], memory_bytes=8 * GIB)
    card = replace(card, temperature_c=44, processes=(engine, *CARD.processes[1:]))
    return replace(
        status, server=server, metrics=None, operations=(operation,), smoke=None, gpus=(card,)
    )


WAYS_OUT = (
    WayOut("change", "start again with --max-model-len 44688", ("--max-model-len", "44688")),
    WayOut(
        "fp8",
        "the same with an fp8 KV cache (89,376)",
        ("--kv-cache-dtype", "fp8", "--max-model-len", "89376"),
    ),
    WayOut("fallback", "fall back to mistral-7b", model="mistral-7b"),
)


def failed(log: Path) -> Status:
    status = starting(log)
    failure = Failure(
        cause="kv_cache_too_small",
        message=(
            "One request of 131,072 tokens needs 3.00 GiB of KV cache; 1.12 GiB is left after the"
            " weights (12.9 GiB). The longest that fits is 44,688 tokens."
        ),
        at=NOW - timedelta(minutes=1),
        remedy="start again with a shorter context, or give vLLM more of the card",
        evidence_line=8,
        evidence_text="ValueError: To serve at least one request with the model's max seq len",
        suggested_flags=("--max-model-len", "44688"),
        before=("Available KV cache memory: 1.12 GiB",),
        after=("EngineCore failed to start.",),
        ways_out=WAYS_OUT,
    )
    server = replace(
        status.server,
        state=ServerState.FAILED,
        last_failure=failure,
        flags=("--max-model-len", "131072"),
        phase=None,
        progress=None,
        eta_s=None,
        pid=None,
        transitions=(
            Transition(ServerState.STARTING, NOW - timedelta(seconds=80), "asked for"),
            Transition(ServerState.FAILED, NOW - timedelta(seconds=60), "kv cache too small"),
        ),
    )
    card = replace(CARD, memory_used_bytes=int(0.9 * GIB), processes=CARD.processes[1:])
    card = replace(card, utilization=0.0, power_w=22.0, temperature_c=38)
    return replace(status, server=server, operations=(), gpus=(card,), server_gpus=())


def stopped(log: Path) -> Status:
    status = failed(log)
    server = replace(
        ready(log).server,
        state=ServerState.STOPPED,
        desired=Desired.STOPPED,
        uptime_s=None,
        pid=None,
        transitions=(
            _transition(ServerState.STOPPING, 22.1, "asked for by the console"),
            _transition(ServerState.STOPPED, 22, "asked for by the console"),
        ),
    )
    return replace(status, server=server)


def beside(status: Status, other: Status, name: str) -> tuple[Status, Status]:
    """The pages of two servers of one supervisor, each seen from its own."""
    second = replace(other.server, name=name, port=8001, url="http://127.0.0.1:8001")
    operations = tuple(replace(operation, server=name) for operation in other.operations)
    servers = (status.server, second)
    first = replace(status, servers=servers, operations=status.operations + operations)
    return first, replace(other, server=second, servers=servers, operations=first.operations)


FOREIGN = ForeignServer(
    pid=5120, user="ben", port=8010, model="qwen3-8b", version="0.31.0", gpu_memory_bytes=3 * GIB
)
STRAY = StrayProcess(pid=6001, user="cleo", name="VLLM::EngineCore", gpu_memory_bytes=2 * GIB)


def bare() -> Status:
    """A machine on which nothing was ever started, without engine and GPU."""
    return Status(
        server=ServerStatus(name="main"), host=HOST, gpu_note="no NVIDIA driver on this host"
    )


def history() -> tuple[Sample, ...]:
    """Ten minutes that look like a working day in small."""
    samples = []
    for second in range(600):
        at = NOW - timedelta(seconds=599 - second)
        climb = min(1.0, 0.25 + second / 400)
        wave = 1 + 0.06 * math.sin(second / 17)
        burst = 0.2 + 0.8 * max(0.0, math.sin(second / 43)) ** 4
        samples.append(
            Sample(
                at=at,
                requests_running=round(28 * climb * wave),
                requests_waiting=3 if 180 <= second < 215 else 0,
                kv_cache_usage=0.54 * climb * wave,
                generation_tokens_per_s=1842 * climb * wave,
                prompt_tokens_per_s=7000 * burst,
                requests_per_s=11.4 * climb * wave,
                gpu_utilization=min(1.0, 0.95 * climb * wave),
                gpu_power_w=60 + 190 * climb * wave,
            )
        )
    return tuple(samples)


ANSWER = (
    AskEvent("reasoning", text="The user wants the idea in two sentences.\nKeep it plain."),
    AskEvent("text", text="A key-value cache keeps what attention computed for earlier tokens, "),
    AskEvent("text", text="so that each new token costs one step and not the whole text again. "),
    AskEvent("text", text="It grows with every token of every request, which is why a card runs "),
    AskEvent("text", text="out of room for requests long before it runs out of speed."),
    AskEvent(
        "done",
        finish_reason="stop",
        prompt_tokens=24,
        completion_tokens=61,
        ttft_ms=82.4,
        total_ms=1043.0,
        tokens_per_s=63.5,
    ),
)


def _json(clock: str, level: str, process: str, message: str) -> str:
    record = {
        "asctime": f"2026-11-23 {clock}",
        "levelname": level,
        "message": message,
        "vllm_process_name": process,
    }
    return json.dumps(record)


START_LOG = "\n".join(
    (
        "Triton is installed, but doesn't include CPU backend. Disabling Triton.",
        _json("14:01:12,590", "INFO", "APIServer", "vLLM server version 0.32.0"),
        _json("14:01:13,004", "WARNING", "APIServer", "Found ulimit of 20000, not raised"),
        _json("14:01:19,640", "INFO", "APIServer", "Resolved architecture: GptOssForCausalLM"),
        "(EngineCore pid=4101) INFO 11-23 14:01:24 [runner.py:3311] Starting to load the model",
        "Loading shards:   0% | 0/3\rLoading shards: 100% Completed | 3/3",
        "",
    )
)
FAILED_LOG = START_LOG + "\n".join(
    (
        _json("14:01:29,101", "INFO", "EngineCore", "Available KV cache memory: 1.12 GiB"),
        _json(
            "14:01:29,377",
            "ERROR",
            "EngineCore",
            "EngineCore failed to start.\nTraceback (most recent call last):\n"
            '  File "core.py", line 812, in run_engine_core\n'
            "ValueError: To serve at least one request with the model's max seq len (131072),"
            " 3.00 GiB KV cache is needed",
        ),
        "INFO:     Shutting down",
        "",
    )
)
HEALTHY_LOG = "\n".join(
    (
        _json("10:50:21,118", "INFO", "EngineCore", "Model loading took 7.2 GiB and 9.114 seconds"),
        _json("10:50:24,871", "INFO", "EngineCore", "GPU KV cache size: 46,700 tokens"),
        _json("10:50:41,002", "INFO", "EngineCore", "Graph capturing took 14 secs and 0.61 GiB"),
        _json("10:50:44,310", "INFO", "APIServer", "Application startup complete."),
        _json("14:02:11,204", "INFO", "APIServer", '127.0.0.1:51644 - "POST /v1/completions" 200'),
        _json("14:02:20,377", "INFO", "APIServer", "Avg generation throughput: 1842.1 tokens/s"),
        "",
    )
)
