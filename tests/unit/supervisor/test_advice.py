"""Each rule of the advisor: a case where it must speak, and one beside it where it must not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from vconsole.engine.metrics.figures import Metrics, Quantiles
from vconsole.host.card_bandwidth import memory_bandwidth_bytes_per_s
from vconsole.host.readings import CardMemory, CardPart, Gpu, GpuProcess, Host
from vconsole.supervisor.advice import RULES, advise
from vconsole.supervisor.model import ServerState, ServerStatus, Status

GIB = 2**30
OURS = GpuProcess(1, "EngineCore", "ada", 13 * GIB, "ours")
CARD = Gpu(0, name="NVIDIA GeForce RTX 4080", utilization=0.95, processes=(OURS,))
WEIGHTS = CardMemory(0, 16 * GIB, (CardPart("weights", 7 * GIB), CardPart("free", 9 * GIB)))
# 7 GiB at 717 GB/s take 10.48 ms.
SERVER = ServerStatus("main", ServerState.READY, max_model_len=4096, engine_device="cuda")
# Busy enough that nothing is free, and short of every limit.
METRICS = Metrics(
    requests_running=8,
    requests_waiting=0,
    kv_cache_usage=0.8,
    sample_age_s=0.2,
    prefix_caching=True,
)


@dataclass(frozen=True)
class Case:
    """A situation that differs from an unremarkable one; `words` are what the advice must say."""

    figures: dict[str, Any] | None = None
    card: dict[str, Any] | None = None
    server: dict[str, Any] | None = None
    host: Host | None = None
    words: str = ""

    @property
    def status(self) -> Status:
        return Status(
            server=replace(SERVER, **(self.server or {})),
            metrics=replace(METRICS, **(self.figures or {})),
            gpus=(replace(CARD, **(self.card or {})),),
            card_memory=(WEIGHTS,),
            server_gpus=(0,),
            host=self.host or Host(),
        )


def command(*flags: str) -> dict[str, Any]:
    return {"command": ("vllm", "serve", "m", *flags)}


def held_by(owner: str, held_bytes: int, graphics: bool = False) -> dict[str, Any]:
    process = GpuProcess(77, "their.bin", "ben", held_bytes, owner, graphics)
    return {"processes": (OURS, process)}


def itl(mean: float) -> Quantiles:
    return Quantiles(mean=mean)


BUSY_PROMPTS = {"finished_10min": 240, "prompt_tokens_mean_10min": 1200}
HEAT = {"throttle": ("power cap", "thermal"), "temperature_c": 91}
CLOCKS = {"sm_clock_mhz": 1400, "sm_clock_max_mhz": 2800}
CPU = {"engine_device": "cpu"}

SPEAKS = {
    "throttled": Case(
        card=HEAT | CLOCKS,
        words="GPU 0 is slowed down (thermal) at 91 °C: it works at 50 % of its clock.",
    ),
    "kv-limited": Case(
        {"kv_cache_usage": 0.97, "requests_waiting": 4, "preemptions_10min": 12},
        words="The KV cache is 97 % full: 4 wait for room, 12 preempted in 10 min.",
    ),
    "seats-limited": Case(
        {"requests_waiting": 5},
        server=command("--max-num-seqs", "8"),
        words="All 8 seats are taken and 5 wait, while the KV cache is 80 % full.",
    ),
    "prompt-limited": Case(
        {"prefill_ms": 1900.0, "decode_ms": 475.0, "finished_10min": 40},
        words="Reading prompts is 80 % of a request's time: 1,900 ms, and its answer 475 ms.",
    ),
    "compute-limited": Case(
        {"step_tokens": 512, "itl_ms": itl(42.0)},
        words="A step of 512 tokens takes 42 ms, 4.0 times the reading of the weights.",
    ),
    "cpu-limited": Case(server=CPU, host=Host(cpu=0.97), words="97 % of which is busy"),
    "power-limited": Case(
        card={"throttle": ("power cap",), "power_w": 318.2, "power_limit_w": 320},
        words="GPU 0 draws 318 of the 320 W that it may",
    ),
    "queueing": Case(
        {"requests_waiting": 4, "waiting_by_reason": {"capacity": 1.0, "deferred": 3.0}},
        words="4 wait while 8 run, 3 of them put off for a while.",
    ),
    "bandwidth-limited": Case(
        {"itl_ms": itl(13.1)},
        words="A token takes 13 ms; reading 7.0 GiB of weights at 717 GB/s takes 10 ms.",
    ),
    "client-limited": Case(
        {"kv_cache_usage": 0.54},
        words="Room to spare: 8 run, none waits, KV 54 %. Send more at once.",
    ),
    "ollama-on-card": Case(
        card=held_by("ollama", GIB // 2), words="Ollama holds 0.5 GiB of GPU 0."
    ),
    "tenant-on-card": Case(
        card=held_by("other", 3 * GIB),
        words="their.bin (pid 77, user ben) holds 3.0 GiB of GPU 0, and shares its time.",
    ),
    "prefix-cache-off": Case(
        {"prefix_caching": False} | BUSY_PROMPTS,
        words="No prefix cache, while 240 requests in 10 min had prompts of 1,200 tokens.",
    ),
    "prefix-cache-unused": Case(
        {"prefix_cache_hit_rate": 0.01} | BUSY_PROMPTS,
        words="Prompts have 1,200 tokens, and 1 % of them came from the prefix cache.",
    ),
    "context-too-long": Case(
        {"longest_request_tokens_10min": 3000, "finished_10min": 240},
        server={"max_model_len": 131_072},
        words="A request may have 131,072 tokens; of 240 in 10 min none had more than 3,000.",
    ),
}
SILENT = {
    "throttled": Case(card={"throttle": ("power cap",)}),
    "kv-limited": Case({"kv_cache_usage": 0.97, "requests_waiting": 0, "preemptions_10min": 0}),
    "seats-limited": Case(
        {"requests_waiting": 5, "requests_running": 7}, server=command("--max-num-seqs", "8")
    ),
    "prompt-limited": Case({"prefill_ms": 400.0, "decode_ms": 475.0, "finished_10min": 40}),
    "compute-limited": Case({"step_tokens": 512, "itl_ms": itl(20.0)}),
    "cpu-limited": Case(server=CPU, host=Host(cpu=0.5)),
    "power-limited": Case(card={"power_w": 318.2, "power_limit_w": 320}),
    "queueing": Case(),
    "bandwidth-limited": Case({"itl_ms": itl(18.0)}),
    "client-limited": Case({"kv_cache_usage": 0.54, "requests_waiting": 1}),
    "ollama-on-card": Case(card=held_by("ollama", 0)),
    "tenant-on-card": Case(card=held_by("other", 3 * GIB, graphics=True)),
    "prefix-cache-off": Case(BUSY_PROMPTS),
    "prefix-cache-unused": Case({"prefix_cache_hit_rate": 0.3} | BUSY_PROMPTS),
    "context-too-long": Case(
        {"longest_request_tokens_10min": 3000, "finished_10min": 240},
        server={"max_model_len": 8192},
    ),
}
FLAGS = {
    "kv-limited": ("--kv-cache-dtype", "fp8"),
    "seats-limited": ("--max-num-seqs", "16"),
    "prefix-cache-off": ("--enable-prefix-caching",),
    "context-too-long": ("--max-model-len", "6144"),
}
IDS = [rule.id for rule in RULES]


def test_every_rule_has_a_case_to_speak_in_and_one_to_be_silent_in() -> None:
    assert len(set(IDS)) == len(IDS)
    assert set(SPEAKS) == set(IDS)
    assert set(SILENT) == set(IDS)


def test_every_rule_names_what_acts_on_it() -> None:
    assert [rule.id for rule in RULES if rule.action is None] == []


@pytest.mark.parametrize("rule", IDS)
def test_a_rule_speaks_where_it_must(rule: str) -> None:
    case = SPEAKS[rule]
    (found,) = (advice for advice in advise(case.status) if advice.id == rule)
    assert case.words in found.text
    assert found.flags == FLAGS.get(rule, ())
    assert found.flags == () or found.action == "server.restart"


@pytest.mark.parametrize("rule", IDS)
def test_a_rule_is_silent_where_it_must_be(rule: str) -> None:
    assert rule not in {advice.id for advice in advise(SILENT[rule].status)}


def test_every_rule_is_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "advice.md").read_text(encoding="utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == IDS


def test_an_unremarkable_server_is_not_advised() -> None:
    assert advise(Case().status) == ()


@pytest.mark.parametrize(
    "case",
    [
        Case({"kv_cache_usage": 0.97, "requests_waiting": 4, "sample_age_s": 12.0}),
        Case({"kv_cache_usage": 0.97, "requests_waiting": 4}, server={"state": "stalled"}),
    ],
)
def test_old_figures_and_servers_that_do_not_serve_say_nothing(case: Case) -> None:
    assert advise(case.status) == ()
    assert advise(replace(case.status, metrics=None)) == ()


def test_unknown_figures_are_no_ground_for_advice() -> None:
    status = replace(Case().status, metrics=Metrics(sample_age_s=0.0), gpus=(Gpu(0),))
    assert advise(status) == ()


def test_what_matters_most_comes_first() -> None:
    figures = {"kv_cache_usage": 0.97, "requests_waiting": 4}
    found = [advice.id for advice in advise(Case(figures, HEAT | held_by("ollama", GIB)).status)]
    assert found == ["throttled", "kv-limited", "queueing", "ollama-on-card"]


def test_a_flag_that_was_given_already_is_not_advised_again() -> None:
    figures = {"kv_cache_usage": 0.97, "requests_waiting": 4}
    given = command("--kv-cache-dtype", "fp8")
    assert advise(Case(figures, server=given).status)[0].flags == ()
    assert advise(Case(figures, server=CPU).status)[0].flags == ()


def test_a_card_that_the_server_is_not_on_is_not_meant() -> None:
    status = Case(card=HEAT).status
    assert advise(replace(status, server_gpus=())) == ()


@pytest.mark.parametrize(
    ("card", "gb_per_s"),
    [
        (Gpu(0, name="NVIDIA GeForce RTX 4080"), 717),
        (Gpu(0, name="NVIDIA GeForce RTX 4080 SUPER"), 736),
        (Gpu(0, name="NVIDIA H100 80GB HBM3"), 3350),
        (Gpu(0, name="NVIDIA H100 PCIe"), 2000),
        (Gpu(0, name="NVIDIA A100-SXM4-80GB"), 2039),
        (Gpu(0, name="NVIDIA L4"), 300),
        (Gpu(0, name="NVIDIA L40S"), 864),
        (Gpu(0, name="NVIDIA GeForce RTX 4080 Laptop GPU"), None),
        (Gpu(0, name="NVIDIA H100 80GB HBM3", mig_mode=True), None),
        (Gpu(0, name="Something else"), None),
        (Gpu(0, name="NVIDIA L4", memory_bandwidth_bytes_per_s=123 * 10**9), 123),
        (Gpu(0), None),
    ],
)
def test_how_fast_a_card_reads(card: Gpu, gb_per_s: int | None) -> None:
    expected = None if gb_per_s is None else gb_per_s * 10**9
    assert memory_bandwidth_bytes_per_s(card) == expected
