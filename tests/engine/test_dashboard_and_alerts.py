"""What `monitoring export` writes, in a Prometheus that scrapes a real vLLM under load.

A second host, of which nothing can be had here, has an NVIDIA card (the stand-in for NVML), an
Ollama (its stand-in) and a job of its own; what its alerts are about is done to it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.batch.conftest import write_requests
from tests.conftest import Served
from tests.engine.test_prometheus import load
from tests.nvml.scene import Scene, build
from tests.support.home import Home, free_port, wait_until
from tests.support.ollama_stand_in import OllamaStandIn, ollama_stand_in
from tests.support.prometheus import Prometheus, configured
from tests.support.recorded_vllm import RecordedVllm, recorded_vllm
from tests.support.stub import stub
from vconsole.monitoring.dashboard import PANELS
from vconsole.monitoring.rule_tests import cases
from vconsole.monitoring.targets import ServiceLevel

pytestmark = pytest.mark.engine

PATIENCE_S = 120.0
# No request is so quick: a real vLLM under load breaks this level.
UNHEARD_OF_MS = 0.001
# What the real server on a machine without a GPU has no figures for, by what feeds it instead.
OF_THE_OTHER_HOST = {
    "GPU memory in use": "a card: the stand-in for NVML",
    "GPU power": "a card: the stand-in for NVML",
    "GPU temperature": "a card: the stand-in for NVML",
    "Jobs": "a batch of its own, against a server that never answers",
    "Energy": "a card: the stand-in for NVML",
    "Cost": "prices, and a card: the stand-in for NVML",
}
CARDS = """driver = 580.95.05
cuda = 13000
[gpu]
name = NVIDIA GeForce RTX 4080
uuid = GPU-0
total = 17171480576
used = 15837691904
celsius = 71
power_mw = 248130
energy_mj = 81234567
[gpu]
name = NVIDIA GeForce RTX 4080
uuid = GPU-1
total = 17171480576
used = 0
"""
THERMAL = 0x20
# The same rules with less patience: ranges and durations in seconds, for a scrape a second.
SHORTER = (
    (r"for: \w+", "for: 1s"),
    (r"\[2m\]", "[4s]"),
    (r"idle_seconds > 300", "idle_seconds > 2"),
)


@dataclass(frozen=True)
class Watched:
    """One Prometheus over both hosts, `ours` and `other` being where they are scraped."""

    prometheus: Prometheus
    vllm: str
    ours: str
    other: Home
    other_at: str
    double: RecordedVllm
    ollama: OllamaStandIn
    scene: Scene

    def series(self, expression: str, instance: str | None = None) -> list[float]:
        """The values of an instant query that are numbers, of one instance or of all."""
        return [
            float(found["value"][1])
            for found in self.prometheus.query(expression)
            if instance in (None, found["metric"].get("instance"))
            and not math.isnan(float(found["value"][1]))
        ]

    def firing(self, alert: str) -> bool:
        return bool(self.series(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))


@pytest.fixture(scope="module")
def watched(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("monitoring")
    with ExitStack() as stack:
        double = stack.enter_context(recorded_vllm())
        ollama = stack.enter_context(ollama_stand_in(llama3_8b=9_000_000_000))
        never = stack.enter_context(stub("--service-ms", "600000"))
        scene = Scene(folder / "scene.txt", build(folder))
        scene.write(CARDS)
        other = stack.enter_context(_other_host(folder, scene, ollama, never))
        ours = f"127.0.0.1:{served.home.env['VCONSOLE_MONITORING_PORT']}"
        other_at = f"127.0.0.1:{other.env['VCONSOLE_MONITORING_PORT']}"
        _export(served, folder, [double.address], [other_at])
        prometheus = stack.enter_context(configured(folder))
        stack.enter_context(load(served))
        vllm = served.url.removeprefix("http://")
        yield Watched(prometheus, vllm, ours, other, other_at, double, ollama, scene)


class _OtherHost(ExitStack):
    def __init__(self, home: Home) -> None:
        super().__init__()
        self.home = home
        self.callback(home.close)

    def __enter__(self) -> Home:  # type: ignore[override]
        super().__enter__()
        return self.home


def _other_host(folder: Path, scene: Scene, ollama: OllamaStandIn, url: str) -> _OtherHost:
    """Nothing of vLLM runs there; its supervisor starts for a job that gets no answer."""
    home = Home(folder / "other", "")
    del home.env["VCONSOLE_ENGINE"]
    home.env |= scene.variables | {"OLLAMA_HOST": ollama.url}
    home.env |= {"VCONSOLE_MONITORING_PORT": str(free_port()), "VCONSOLE_PRICES_KWH": "0.32"}
    prompts = write_requests(folder / "prompts.jsonl", 3)
    host = _OtherHost(home)
    ran = home.run(
        *("batch", "run", str(prompts), "-o", str(folder / "answers.jsonl")),
        *("--url", url, "--model", "stub", "--detach", "--json"),
    )
    if ran.code != 0:
        home.close()
    assert ran.code == 0, ran.err
    return host


def _export(served: Served, folder: Path, vllms: list[str], supervisors: list[str]) -> None:
    """By the command, with a level that is broken; then shortened, with two targets more."""
    by = Home(served.home.root, served.home.env["VCONSOLE_ENGINE"])
    by.env |= {
        "VCONSOLE_MONITORING_PORT": served.home.env["VCONSOLE_MONITORING_PORT"],
        "VCONSOLE_SERVICE_LEVEL_TTFT_P95_MS": str(UNHEARD_OF_MS),
        "VCONSOLE_SERVICE_LEVEL_ITL_P95_MS": str(UNHEARD_OF_MS),
    }
    exported = by.run("monitoring", "export", str(folder), "--json")
    assert exported.code == 0, exported.err
    config, rules = folder / "prometheus.yml", folder / "rules.yml"
    text = re.sub(r"_interval: \w+", "_interval: 1s", config.read_text())
    first, second = re.findall(r"targets: \[(.*)\]", text)
    assert served.url.removeprefix("http://") in first
    text = text.replace(f"[{first}]", json.dumps([*json.loads(f"[{first}]"), *vllms]))
    text = text.replace(f"[{second}]", json.dumps([*json.loads(f"[{second}]"), *supervisors]))
    config.write_text(text)
    text = rules.read_text()
    for long, short in SHORTER:
        text, found = re.subn(long, short, text)
        assert found, f"{long} is no longer in the rules"
    rules.write_text(text)


EXPRESSIONS = [(panel.title, query) for panel in PANELS for query, _ in panel.queries]


def test_the_table_of_what_others_feed_names_panels() -> None:
    assert {title for title, _ in EXPRESSIONS} >= set(OF_THE_OTHER_HOST)


@pytest.mark.parametrize(("title", "query"), EXPRESSIONS)
def test_every_expression_of_the_dashboard_has_figures(
    watched: Watched, title: str, query: str
) -> None:
    """Those of the real server and its supervisor come from these, the rest from the other host."""
    expression = query.replace("$__rate_interval", "10s")
    of_ours = {watched.vllm, watched.ours}
    wanted = {watched.other_at} if title in OF_THE_OTHER_HOST else of_ours

    def has_figures() -> bool:
        return any(watched.series(expression, instance) for instance in wanted)

    wait_until(f"{title}: {expression}", has_figures, PATIENCE_S)


RECORDED = re.findall(
    r"- record: (\S+)",
    (Path(__file__).parents[2] / "vconsole/resources/monitoring/rules.yml").read_text(),
)


@pytest.mark.parametrize("name", RECORDED)
def test_every_recording_rule_has_figures_of_the_real_server(watched: Watched, name: str) -> None:
    wait_until(name, lambda: bool(watched.series(name, watched.vllm)), PATIENCE_S)


def test_what_the_supervisor_tells_is_what_the_engine_counted(watched: Watched) -> None:
    state = 'vconsole_server_state{server="main",state="ready"}'
    assert watched.series(state, watched.ours) == [1.0]
    wanted = f'vconsole_server_wanted{{server="main",address="{watched.vllm}"}}'
    assert watched.series(wanted, watched.ours) == [1.0]
    assert watched.series('up{job="vconsole"}') == [1.0, 1.0]


FIVE_HUNDREDS = 'http_requests_total{handler="/v1/completions",method="POST",status="5xx"}'
ERRORS = {FIVE_HUNDREDS: 50.0}


def test_the_report_counts_promises_and_says_why_a_cost_is_unknown(
    watched: Watched, served: Served
) -> None:
    def counted() -> bool:
        levels = served.home.run("report", "--name", "main", "--json").data["levels"]
        return len(levels) == 3 and all(level["total"] > 0 for level in levels)

    wait_until("promises are counted", counted, PATIENCE_S)
    page = served.home.run("report", "--name", "main", "--json").data
    assert {level["state"] for level in page["levels"]} <= {"kept", "burning", "spent"}
    assert page["costs"]["total"]["amount"] is None
    assert "prices.kwh is not set" in page["costs"]["total"]["rests_on"]
    words = served.home.run("report").out
    assert "TTFT p95 <= 1,000 ms" in words
    assert "answers of the last 30 days" in words
    budget = 'vconsole_budget_left_ratio{server="main"}'
    wait_until("they are scraped", lambda: len(watched.series(budget, watched.ours)) == 3, 60)


FAULTS: dict[str, Callable[[Watched], None]] = {
    "VllmSlowTtft": lambda watched: None,
    "VllmSlowItl": lambda watched: None,
    "VllmStalled": lambda watched: _set(watched, {"vllm:num_requests_running": 3.0}),
    "VllmKvCacheFull": lambda watched: _set(
        watched, {"vllm:kv_cache_usage_perc": 0.99, "vllm:num_requests_waiting": 4.0}
    ),
    "VllmPreemptionStorm": lambda watched: _rise(watched, {"vllm:num_preemptions_total": 30.0}),
    "VllmErrorBudgetFast": lambda watched: _rise(watched, ERRORS),
    "VllmErrorBudgetSlow": lambda watched: _rise(watched, ERRORS),
    "VllmDown": lambda watched: watched.double.kill(),
    "GpuHot": lambda watched: watched.scene.change("celsius", f"throttle = {THERMAL}\ncelsius"),
    "GpuLost": lambda watched: watched.scene.change("used = 0\n", "used = 0\nlost = 1\n"),
    "VconsoleJobStuck": lambda watched: None,
    "OllamaBack": lambda watched: _bring_ollama_back(watched),
}
# What is broken from the begin on: the level that no server keeps, the job without an answer.
FROM_THE_BEGIN = {"VllmSlowTtft", "VllmSlowItl", "VconsoleJobStuck"}


def test_every_alert_has_its_fault() -> None:
    assert set(FAULTS) == {case.alert for case in cases(ServiceLevel(1.0, 1.0, 0.01))}


@pytest.mark.parametrize("alert", FAULTS)
def test_an_alert_fires_on_its_fault(watched: Watched, alert: str) -> None:
    """In this order: what is set stays set, and the double is killed after all else of it."""
    if alert not in FROM_THE_BEGIN and alert != "VllmErrorBudgetSlow":
        assert not watched.firing(alert)
    FAULTS[alert](watched)
    wait_until(f"{alert} fires", lambda: watched.firing(alert), PATIENCE_S)


def _set(watched: Watched, figures: dict[str, float]) -> None:
    watched.double.flat = {**watched.double.flat, **figures}


def _rise(watched: Watched, figures: dict[str, float]) -> None:
    watched.double.rising = {**watched.double.rising, **figures}


def _bring_ollama_back(watched: Watched) -> None:
    """Its model is unloaded by the command, and somebody's request loads it again."""
    held = dict(watched.ollama.loaded)
    assert watched.other.run("ollama", "unload").code == 0
    watched.ollama.loaded |= held
