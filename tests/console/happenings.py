"""A night of events and its report, for the pages that tell of them."""

from __future__ import annotations

from datetime import timedelta

from tests.console.figures_of_the_sketches import LEVELS, NOW
from vconsole.supervisor.model import Job
from vconsole.supervisor.telling.cost import Cost
from vconsole.supervisor.telling.costs import Costs
from vconsole.supervisor.telling.event import Event, Severity
from vconsole.supervisor.telling.report_model import FailureNote, Report, RestartNote, Served

INFO, WARN, BAD = Severity.INFO, Severity.WARNING, Severity.ERROR
TOLD: tuple[tuple[int, str, Severity, str | None, str], ...] = (
    (560, "supervisor", INFO, None, "supervisor started"),
    (558, "state", INFO, "main", "starting: start of mistral-7b-instruct"),
    (557, "state", INFO, "main", "ready: after 41.2 s"),
    (540, "smoke", INFO, "main", "smoke test passed"),
    (431, "ollama", WARN, None, "Ollama holds 5.1 GiB of the card: qwen3:8b"),
    (390, "preemptions", WARN, "main", "12 preemptions in 10 s: the KV cache is too small"),
    (388, "preemptions", INFO, "main", "no preemptions any more"),
    (
        204,
        "crash",
        BAD,
        "main",
        "backoff: EngineCore died: CUDA out of memory. Tried to allocate 512.00 MiB. GPU 0 has a"
        " total capacity of 15.99 GiB of which 301.25 MiB is free",
    ),
    (203, "restart", INFO, "main", "started again: EngineCore died"),
    (202, "state", INFO, "main", "ready: after 39.8 s"),
    (90, "throttle", WARN, None, "GPU 0 runs slower: thermal slowdown at 87 °C"),
    (84, "throttle", INFO, None, "GPU 0 runs at its speed again"),
    (44, "ollama", INFO, None, "Ollama left the card"),
    (20, "smoke", BAD, "spare", "smoke test not passed: tools, json"),
)
EVENTS = tuple(
    Event(number, NOW - timedelta(minutes=minutes), kind, severity, server, text)
    for number, (minutes, kind, severity, server, text) in enumerate(TOLD, 1)
)
PAID = "2,154 Wh at 0.32 EUR a kWh; without: neither prices.hardware_per_hour nor hardware_price"
PAID += " and hardware_years are set"
COSTS = Costs(
    total=Cost(0.69, "EUR", PAID),
    per_request=Cost(0.69 / 48_211, "EUR", PAID),
    per_million_tokens=Cost(0.69 / 17.880254, "EUR", PAID),
    month=Cost(53.98, "EUR", PAID),
)
REPORT = Report(
    since_at=NOW - timedelta(minutes=560),
    until_at=NOW,
    served=Served(
        requests=48_211,
        finished={"stop": 45_020, "length": 3_107, "error": 84},
        prompt_tokens=61_407_113,
        generation_tokens=17_880_254,
        preemptions=12,
        serving_s=555 * 60,
    ),
    restarts=(RestartNote(NOW - timedelta(minutes=203), "main", "EngineCore died"),),
    failures=(
        FailureNote(
            NOW - timedelta(minutes=204),
            "main",
            "cuda_oom",
            "the card had no memory left while serving",
            "start with --gpu-memory-utilization 0.88",
            "backoff",
        ),
    ),
    notable=tuple(
        e for e in EVENTS if e.severity is not INFO and e.kind not in ("crash", "restart")
    ),
    jobs=(Job("nightly", "batch", "done", 100_000, 100_000, 17),),
    energy_wh=2154.3,
    cost=0.69,
    currency="EUR",
    costs=COSTS,
    levels=LEVELS,
    advice=(
        "12 preemptions: the KV cache is too small for what runs at once; lower --max-num-seqs,"
        " or start with --kv-cache-dtype fp8",
        "84 requests ended in an error: `vconsole logs --level error`",
        "GPU 0 was slowed down for heat or power supply once: see to its cooling",
    ),
)
QUIET = Report(
    since_at=NOW - timedelta(hours=3),
    until_at=NOW,
    served=Served(
        requests=12, finished={"stop": 12}, generation_tokens=900, prompt_tokens=210, serving_s=9000
    ),
)
