"""Reading `/metrics`: a recorded body of vLLM 0.32.0, older names, and bodies that lie."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape

RECORDED = (Path(__file__).parents[1] / "data" / "metrics-0.32.0.txt").read_bytes()


def test_recorded_body_gives_every_family_that_it_holds() -> None:
    scrape = parse(RECORDED)
    assert scrape.requests_running == 0
    assert scrape.requests_waiting == 0
    assert scrape.kv_cache_usage == 0
    assert scrape.kv_cache_tokens == 2_097_152
    assert scrape.kv_block_tokens == 128
    assert scrape.prefix_caching is True
    assert scrape.prompt_tokens == 23_840
    assert scrape.generation_tokens == 1_280
    assert scrape.finished_by_reason["length"] == 40
    assert scrape.requests_finished == 40
    assert scrape.preemptions == 0
    assert scrape.prefix_cache_queries == 23_840
    assert scrape.prefix_cache_hits == 19_968
    assert scrape.started_at_s is not None


def test_families_that_vllm_did_not_write_are_unknown() -> None:
    scrape = parse(RECORDED)
    assert scrape.spec_draft_tokens is None
    assert scrape.spec_accepted_tokens is None
    assert parse(b"") == Scrape()


def test_recorded_histogram_is_cumulative_and_ends_with_infinity() -> None:
    ttft = parse(RECORDED).ttft
    assert ttft is not None
    assert ttft.bounds[:3] == (0.001, 0.005, 0.01)
    assert list(ttft.counts[:4]) == [0, 1, 13, 23]
    assert math.isinf(ttft.bounds[-1])
    assert ttft.count == 40
    assert ttft.total == 6.081462860107422


def test_text_and_bytes_read_alike() -> None:
    assert parse(RECORDED.decode()) == parse(RECORDED)


def test_several_engines_are_added_up_and_kv_usage_averaged() -> None:
    scrape = parse(
        'vllm:num_requests_running{engine="0",model_name="a"} 2.0\n'
        'vllm:num_requests_running{engine="1",model_name="a"} 3.0\n'
        'vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.2\n'
        'vllm:kv_cache_usage_perc{engine="1",model_name="a"} 0.6\n'
        'vllm:cache_config_info{engine="0",kv_cache_size_tokens="100"} 1.0\n'
        'vllm:cache_config_info{engine="1",kv_cache_size_tokens="100"} 1.0\n'
        'vllm:e2e_request_latency_seconds_bucket{engine="0",le="1.0"} 1.0\n'
        'vllm:e2e_request_latency_seconds_bucket{engine="0",le="+Inf"} 2.0\n'
        'vllm:e2e_request_latency_seconds_bucket{engine="1",le="1.0"} 4.0\n'
        'vllm:e2e_request_latency_seconds_bucket{engine="1",le="+Inf"} 4.0\n'
        'vllm:e2e_request_latency_seconds_sum{engine="0"} 3.5\n'
        'vllm:e2e_request_latency_seconds_sum{engine="1"} 2.0\n'
    )
    assert scrape.requests_running == 5
    assert scrape.kv_cache_usage == pytest.approx(0.4)
    assert scrape.kv_cache_tokens == 200
    assert scrape.e2e is not None
    assert list(scrape.e2e.counts) == [5, 6]
    assert scrape.e2e.total == 5.5


def test_old_names_stand_in_where_the_new_ones_are_missing() -> None:
    scrape = parse(
        'vllm:gpu_cache_usage_perc{model_name="a"} 0.5\n'
        'vllm:gpu_prefix_cache_queries_total{model_name="a"} 100.0\n'
        'vllm:gpu_prefix_cache_hits_total{model_name="a"} 25.0\n'
        'vllm:time_per_output_token_seconds_bucket{le="0.01",model_name="a"} 7.0\n'
        'vllm:time_per_output_token_seconds_bucket{le="+Inf",model_name="a"} 9.0\n'
        'vllm:time_per_output_token_seconds_sum{model_name="a"} 0.2\n'
        'vllm:cache_config_info{block_size="16",num_gpu_blocks="1000"} 1.0\n'
    )
    assert scrape.kv_cache_usage == 0.5
    assert (scrape.prefix_cache_queries, scrape.prefix_cache_hits) == (100, 25)
    assert scrape.itl is not None
    assert list(scrape.itl.counts) == [7, 9]
    assert scrape.kv_cache_tokens == 16_000


def test_old_name_beside_the_new_one_is_not_counted_twice() -> None:
    scrape = parse(
        'vllm:gpu_prefix_cache_hits_total{engine="0"} 5.0\n'
        'vllm:prefix_cache_hits_total{engine="0"} 5.0\n'
    )
    assert scrape.prefix_cache_hits == 5


@pytest.mark.parametrize(
    ("labels", "tokens"),
    [
        ('kv_cache_size_tokens="None",num_gpu_blocks="10",block_size="16"', 160),
        ('kv_cache_size_tokens="None",num_gpu_blocks="None",block_size="16"', None),
        ('kv_cache_size_tokens="inf"', None),
        ('kv_cache_size_tokens="nan"', None),
        ('kv_cache_size_tokens="-5"', None),
    ],
)
def test_kv_capacity_falls_back_to_blocks_and_then_to_unknown(
    labels: str, tokens: int | None
) -> None:
    assert parse(f"vllm:cache_config_info{{{labels}}} 1.0").kv_cache_tokens == tokens


def test_label_values_may_hold_quotes_commas_braces_and_spaces() -> None:
    name = r"a \"b\", le=\"7\"} 9 \\"
    scrape = parse(
        f'vllm:request_success_total{{model_name="{name}",finished_reason="stop"}} 3.0\n'
        f'vllm:num_requests_running{{model_name="{name}"}} 2.0 1795467554000\n'
    )
    assert scrape.finished_by_reason == {"stop": 3}
    assert scrape.requests_running == 2


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-3.0", "", "three", "1e400"])
def test_a_value_that_no_counter_can_have_is_left_out(value: str) -> None:
    scrape = parse(
        f'vllm:generation_tokens_total{{engine="0"}} {value}\n'
        'vllm:prompt_tokens_total{engine="0"} 4.0\n'
    )
    assert scrape.generation_tokens is None
    assert scrape.prompt_tokens == 4


def test_histogram_without_its_last_bucket_is_unknown() -> None:
    scrape = parse(
        'vllm:time_to_first_token_seconds_bucket{le="1.0"} 4.0\n'
        "vllm:time_to_first_token_seconds_sum{} 4.0\n"
    )
    assert scrape.ttft is None


_NAMES = st.sampled_from(
    [
        "vllm:num_requests_running",
        "vllm:cache_config_info",
        "vllm:request_success_total",
        "vllm:time_to_first_token_seconds_bucket",
        "vllm:time_to_first_token_seconds_sum",
        "process_start_time_seconds",
        "vllm:unknown",
    ]
)
_LABELS = st.dictionaries(
    st.sampled_from(["le", "engine", "kv_cache_size_tokens", "num_gpu_blocks", "block_size"]),
    st.one_of(st.text(max_size=8), st.floats().map(str), st.integers().map(str)),
    max_size=3,
).map(lambda labels: ",".join(f'{key}="{value}"' for key, value in labels.items()))
_LINES = st.one_of(
    st.text(),
    st.builds(
        lambda name, labels, value: f"{name}{{{labels}}} {value}",
        _NAMES,
        _LABELS,
        st.one_of(st.floats(), st.integers(), st.text(max_size=6)),
    ),
)


@given(st.lists(_LINES, max_size=12).map("\n".join))
def test_no_text_raises_and_every_number_is_finite(text: str) -> None:
    scrape = parse(text)
    for value in (scrape.requests_running, scrape.requests_finished, scrape.started_at_s):
        assert value is None or math.isfinite(value)
    if scrape.ttft is not None:
        assert list(scrape.ttft.counts) == sorted(scrape.ttft.counts)
        assert list(scrape.ttft.bounds) == sorted(scrape.ttft.bounds)


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    assert isinstance(parse(body), Scrape)
    assert parse(RECORDED + b"\n" + body).prompt_tokens is not None
