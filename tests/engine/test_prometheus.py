"""Our percentiles and rates against Prometheus's own, over the very samples that it scraped."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from tests.conftest import Served
from tests.support.beside import beside
from tests.support.prometheus import Prometheus, scraping
from vconsole.engine.metrics.exposition import MetricsReader
from vconsole.engine.metrics.figures import Metrics, Quantiles
from vconsole.engine.metrics.rates import MetricsWindow

pytestmark = pytest.mark.engine

LOAD_S = 14.0
THREADS = 3
FAMILIES = {
    "ttft_ms": "vllm:time_to_first_token_seconds",
    "itl_ms": "vllm:inter_token_latency_seconds",
    "e2e_ms": "vllm:e2e_request_latency_seconds",
}
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
# Both do the same arithmetic on the same numbers.
EXACT = 1e-9
# `rate` extends what it saw to the edges of its range, each bucket by its own first value.
EXTRAPOLATED = 0.1


@dataclass(frozen=True)
class Seen:
    """What Prometheus has of the load, and what our window says of the same scrapes."""

    prometheus: Prometheus
    metrics: Metrics
    begin_s: float
    end_s: float
    rate_begin_s: float

    def increase(self, family: str) -> str:
        return f"{family} @ {self.end_s:.3f} - {family} @ {self.begin_s:.3f}"


@pytest.fixture(scope="module")
def seen(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with scraping(served.url, tmp_path_factory.mktemp("prometheus")) as prometheus:
        with load(served):
            time.sleep(LOAD_S)
            bodies = bodies_of(prometheus)
        window, reader = MetricsWindow(), MetricsReader()
        for at_s, body in bodies.items():
            window.add(at_s, reader.read(body))
        instants = list(bodies)
        metrics = window.metrics(instants[-1])
        assert metrics is not None
        recent_s = [at_s for at_s in instants if at_s <= instants[-1] - 5 + 0.5]
        yield Seen(prometheus, metrics, instants[0], instants[-1], recent_s[-1])


@contextmanager
def load(served: Served) -> Iterator[None]:
    """Requests of different lengths, a few at a time; only ever to 127.0.0.1."""

    def ask(number: int, over: threading.Event) -> None:
        with httpx.Client(base_url=served.url, timeout=60) as client:
            while not over.is_set():
                body = {"model": served.served_name, "prompt": "The lark " * (1 + 40 * number)}
                more = {"max_tokens": 8 + 24 * number, "ignore_eos": True}
                client.post("/v1/completions", json=body | more).raise_for_status()

    with beside(*(partial(ask, number) for number in range(THREADS))):
        yield


def bodies_of(prometheus: Prometheus) -> dict[float, str]:
    """The scrapes, made texts again: every raw sample under the instant that it was taken at."""
    lines: defaultdict[float, list[str]] = defaultdict(list)
    for series in prometheus.query('{job="vllm",__name__=~"vllm:.*|process_start.*"}[2m]'):
        labels = dict(series["metric"])
        name = labels.pop("__name__")
        written = ",".join(f'{key}="{value}"' for key, value in labels.items())
        for at_s, value in series["values"]:
            lines[float(at_s)].append(f"{name}{{{written}}} {value}")
    return {at_s: "\n".join(lines[at_s]) for at_s in sorted(lines)}


@pytest.mark.parametrize("field", FAMILIES)
@pytest.mark.parametrize("name", QUANTILES)
def test_percentiles_are_those_of_histogram_quantile(seen: Seen, field: str, name: str) -> None:
    ours: Quantiles = getattr(seen.metrics, field)
    bucket = f"{FAMILIES[field]}_bucket"
    counts = f"sum by (le) ({seen.increase(bucket)})"
    theirs_s = seen.prometheus.number(
        f"histogram_quantile({QUANTILES[name]}, {counts})", seen.end_s
    )
    value, bound = getattr(ours, name), getattr(ours, f"{name}_bound")
    if bound is None:
        assert value == pytest.approx(theirs_s * 1000, rel=EXACT)
    else:
        assert theirs_s * 1000 <= value * (1 + EXACT)
    usual = f"sum by (le) (rate({bucket}[{seen.end_s - seen.begin_s:.0f}s]))"
    usual_s = seen.prometheus.number(f"histogram_quantile({QUANTILES[name]}, {usual})", seen.end_s)
    assert usual_s == pytest.approx(theirs_s, rel=EXTRAPOLATED)


def test_most_percentiles_of_a_real_load_are_more_than_bounds(seen: Seen) -> None:
    said = [
        getattr(getattr(seen.metrics, field), f"{name}_bound")
        for field in FAMILIES
        for name in QUANTILES
    ]
    assert said.count(None) >= 5, said


@pytest.mark.parametrize("field", FAMILIES)
def test_means_are_sum_over_count(seen: Seen, field: str) -> None:
    total, count = (f"sum({seen.increase(f'{FAMILIES[field]}_{p}')})" for p in ("sum", "count"))
    theirs_s = seen.prometheus.number(f"{total} / {count}", seen.end_s)
    ours: Quantiles = getattr(seen.metrics, field)
    assert ours.mean == pytest.approx(theirs_s * 1000, rel=EXACT)


def test_rates_are_the_increase_over_the_real_time(seen: Seen) -> None:
    family = "vllm:generation_tokens_total"
    increase = f"sum({family} @ {seen.end_s:.3f} - {family} @ {seen.rate_begin_s:.3f})"
    tokens = seen.prometheus.number(increase, seen.end_s)
    expected = tokens / (seen.end_s - seen.rate_begin_s)
    assert expected > 1
    assert seen.metrics.generation_tokens_per_s == pytest.approx(expected, rel=EXACT)


def test_a_step_holds_as_many_tokens_as_its_histogram_says(seen: Seen) -> None:
    family = "vllm:iteration_tokens_total"
    total, count = (f"sum({seen.increase(f'{family}_{p}')})" for p in ("sum", "count"))
    generated = f"sum({seen.increase('vllm:generation_tokens_total')})"
    step_tokens = seen.prometheus.number(f"{total} / {count}", seen.end_s)
    batch_size = seen.prometheus.number(f"{generated} / {count}", seen.end_s)
    assert seen.metrics.step_tokens == pytest.approx(step_tokens, rel=EXACT)
    assert seen.metrics.batch_size == pytest.approx(batch_size, rel=EXACT)
    assert 0 < batch_size <= min(THREADS, step_tokens)
