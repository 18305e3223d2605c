"""Bodies of vLLM 0.6 to 0.32: what each says comes out under today's names.

Those of 0.11, 0.20, 0.31 and 0.32 were recorded from the CPU builds; the others are made by hand
after the families of their versions, since no build of them runs on this system.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vconsole.engine.metrics.exposition import MetricsReader, parse
from vconsole.engine.metrics.figures import Bound, Metrics, Scrape, Sum
from vconsole.engine.metrics.rates import MetricsWindow

DATA = Path(__file__).parents[1] / "data"
HISTOGRAMS = ("ttft", "itl", "e2e", "request_prompt_tokens", "request_generation_tokens")
SUMS = ("steps", "prefill", "decode")
COUNTERS = (
    *("prompt_tokens", "generation_tokens", "preemptions", "spec_draft_tokens"),
    *("spec_accepted_tokens", "prefix_cache_queries", "prefix_cache_hits"),
)
VERSIONS = ("0.6.6", "0.8.5", "0.11.0-two-engines", "0.11.0", "0.20.0", "0.31.0", "0.32.0")


def body(version: str) -> str:
    return (DATA / f"metrics-{version}.txt").read_text()


def emptied(scrape: Scrape) -> Scrape:
    """The same server before it had done anything."""
    nothing: dict[str, Any] = {"finished_by_reason": dict.fromkeys(scrape.finished_by_reason, 0.0)}
    for name in HISTOGRAMS:
        found = getattr(scrape, name)
        if found is not None:
            nothing[name] = replace(found, counts=(0.0,) * len(found.counts), total=0.0)
    nothing |= {name: Sum(0, 0) for name in SUMS if getattr(scrape, name) is not None}
    nothing |= {name: 0.0 for name in COUNTERS if getattr(scrape, name) is not None}
    return replace(scrape, **nothing)


def of_ten_seconds(version: str) -> Metrics:
    """What the whole body means if it came about within ten seconds."""
    scrape, window = parse(body(version)), MetricsWindow()
    window.add(0.0, emptied(scrape))
    window.add(10.0, scrape)
    metrics = window.metrics(10.0)
    assert metrics is not None
    return metrics


def test_0_6_with_the_first_engine() -> None:
    found = of_ten_seconds("0.6.6")
    assert (found.requests_running, found.requests_waiting) == (3, 2)
    assert found.waiting_by_reason == {}
    assert (found.kv_cache_usage, found.kv_cache_tokens) == (0.25, 16_000)
    assert (found.prompt_tokens_per_s, found.generation_tokens_per_s) == (1200, 300)
    assert (found.requests_per_s, found.preemptions) == (4, 4)
    # A share since the start, where later versions count.
    assert found.prefix_cache_hit_rate == 0.6
    assert found.prefix_caching is True
    assert found.spec_acceptance == 0.5
    # 40 first tokens: 30 in (20, 40] ms, 10 in (80, 100] ms.
    assert found.ttft_ms.p50 == pytest.approx(20 + 20 * 20 / 30)
    assert found.ttft_ms.p95 == pytest.approx(80 + 20 * 8 / 10)
    assert found.ttft_ms.mean == pytest.approx((30 * 30 + 10 * 90) / 40)
    # 2960 gaps: 2000 in (10, 25] ms, the rest in (25, 50] ms.
    assert found.itl_ms.p50 == pytest.approx(10 + 15 * 1480 / 2000)
    assert found.itl_ms.p99 == pytest.approx(25 + 25 * (0.99 * 2960 - 2000) / 960)
    assert found.itl_ms.p50_bound is None
    # 1,010 steps with 15,000 tokens; 3,000 of them were generated.
    assert found.step_tokens == pytest.approx(15_000 / 1010)
    assert found.batch_size == pytest.approx(3000 / 1010)
    # All prefills lie in the first bucket: only the mean is known.
    assert found.prefill_ms == pytest.approx(250)
    assert found.decode_ms == pytest.approx(1000)
    # Prompts of 300 lie in (200, 500], answers of 75 in (50, 100].
    assert found.longest_request_tokens_10min == 600
    assert found.prompt_tokens_mean_10min == 300


def test_0_8_with_the_second_engine() -> None:
    found = of_ten_seconds("0.8.5")
    assert (found.kv_cache_usage, found.kv_cache_tokens) == (0.5, None)
    assert found.prefix_cache_hit_rate == 0.25
    assert found.prefix_caching is None
    assert found.requests_per_s == 1
    assert (found.step_tokens, found.batch_size) == (4, 4)
    # Every gap is 6 ms long, and the first bucket ends at 10 ms.
    assert (found.itl_ms.p50, found.itl_ms.p99) == (10, 10)
    assert found.itl_ms.p50_bound is Bound.AT_MOST
    assert found.itl_ms.mean == pytest.approx(6)
    assert found.spec_acceptance is None
    assert found.prefill_ms is None
    assert found.longest_request_tokens_10min is None


def test_0_11_with_two_engines_and_with_old_names_beside_new_ones() -> None:
    found = of_ten_seconds("0.11.0-two-engines")
    assert (found.requests_running, found.requests_waiting) == (6, 1)
    assert found.kv_cache_usage == pytest.approx(0.6)
    assert found.kv_cache_tokens == 64_000
    assert found.prefix_cache_hit_rate == pytest.approx(0.4)
    assert (found.preemptions, found.preemptions_10min) == (4, 4)
    assert (found.prompt_tokens_per_s, found.generation_tokens_per_s) == (100, 80)
    assert found.requests_per_s == pytest.approx(1.3)
    # 787 gaps: 493 in (10, 25] ms, 294 in (25, 50] ms; the old name does not count again.
    assert found.itl_ms.p50 == pytest.approx(10 + 15 * 393.5 / 493)
    assert found.itl_ms.mean == pytest.approx((493 * 20 + 294 * 40) / 787)
    # Seven of 13 first tokens in (20, 40] ms, six in (250, 500] ms.
    assert found.ttft_ms.p50 == pytest.approx(20 + 20 * 6.5 / 7)
    assert found.ttft_ms.p95 == pytest.approx(250 + 250 * (12.35 - 7) / 6)
    assert found.step_tokens == 8
    assert found.batch_size == pytest.approx(800 / 150)


@pytest.mark.parametrize("version", ["0.11.0", "0.20.0", "0.31.0"])
def test_the_same_load_reads_alike_from_three_recorded_versions(version: str) -> None:
    """40 requests, eight at once: 8,225 prompt tokens and 32 generated ones each, as usage says."""
    found = of_ten_seconds(version)
    assert (found.prompt_tokens_per_s, found.generation_tokens_per_s) == (822.5, 128)
    assert (found.requests_per_s, found.finished_10min) == (4, 40)
    assert (found.requests_running, found.requests_waiting, found.preemptions) == (0, 0, 0)
    # There are five beginnings: 35 prompts find one block of 128 tokens that was computed before.
    assert found.prefix_cache_hit_rate == pytest.approx(35 * 128 / 8225)
    assert found.prefix_caching is True
    # VLLM_CPU_KVCACHE_SPACE=1: 1 GiB in blocks of 128 tokens of 1,536 bytes.
    assert found.kv_cache_tokens == 2**30 // (128 * 1536) * 128
    assert found.prompt_tokens_mean_10min == 8225 / 40
    assert found.batch_size is not None
    assert 7 < found.batch_size <= 8
    assert found.prefill_ms is not None
    assert found.decode_ms is not None
    for quantiles in (found.ttft_ms, found.itl_ms, found.e2e_ms):
        assert quantiles.p50 is not None
        assert quantiles.mean is not None
    # 31 gaps follow the first token; the metrics' own sums agree with that.
    whole_ms = (found.ttft_ms.mean or 0) + 31 * (found.itl_ms.mean or 0)
    assert found.e2e_ms.mean == pytest.approx(whole_ms, rel=0.05)


def test_0_32_as_recorded() -> None:
    found = of_ten_seconds("0.32.0")
    assert found.waiting_by_reason == {"capacity": 0, "deferred": 0}
    assert found.prefix_cache_hit_rate == pytest.approx(19_968 / 23_840)
    assert found.generation_tokens_per_s == 128
    assert found.finished_10min == 40
    assert found.prompt_tokens_mean_10min == pytest.approx(23_840 / 40)
    assert found.longest_request_tokens_10min == 1000 + 50
    assert found.batch_size is not None
    assert found.step_tokens is not None
    # What the prefix cache held was not computed.
    computed = 23_840 - 19_968 + 1280
    assert found.step_tokens / found.batch_size == pytest.approx(computed / 1280)


@pytest.mark.parametrize("version", VERSIONS)
def test_reading_again_by_the_layout_says_the_same(version: str) -> None:
    reader, text = MetricsReader(), body(version)
    first = reader.read(text)
    assert reader.read(text) == first == parse(text)
    later = text.replace("vllm:num_requests_running{", "vllm:num_requests_running{x='1',")
    assert reader.read(later) == parse(later)


def test_a_series_that_joins_between_others_is_seen() -> None:
    reader = MetricsReader()
    one = 'vllm:num_requests_running{engine="0"} 1.0\n'
    two = 'vllm:num_requests_running{engine="1"} 2.0\n'
    assert reader.read(one + "# end\n").requests_running == 1
    assert reader.read(one + two + "# end\n").requests_running == 3
    assert reader.read(two + "# end\n").requests_running == 2
    assert reader.read(one.replace("1.0", "7.0 1795467554000") + "# end\n").requests_running == 7
    assert reader.read(one.replace("1.0", "9.0 1795467555000") + "# end\n").requests_running == 9


def test_a_series_that_takes_the_place_of_another_is_not_missed_for_long() -> None:
    reader = MetricsReader()
    alone = 'vllm:num_requests_running{engine="0"} 1.0\nvllm:other{} 1.0\n'
    joined = alone.replace("vllm:other{}", 'vllm:num_requests_running{engine="1"}')
    reader.read(alone)
    assert [reader.read(joined).requests_running for _ in range(60)][-1] == 2
