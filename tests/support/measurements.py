"""Measurements made by hand: what they say is all that matters."""

from __future__ import annotations

from datetime import UTC, datetime

from vconsole.requests.bench.model import ClientShare, Load, Measured, Percentiles


def measured(
    tokens_per_s: float,
    *,
    ttft_ms: float = 50.0,
    e2e_ms: float = 1000.0,
    good_share: float | None = 1.0,
    failed: int = 0,
    requests: int = 64,
    target: str = "ours",
    concurrency: int = 16,
    energy_j: float | None = None,
    duration_s: float = 10.0,
) -> Measured:
    latency = Percentiles(e2e_ms, e2e_ms * 1.2, e2e_ms * 1.3, e2e_ms)
    return Measured(
        target=target,
        url="http://127.0.0.1:1",
        model="a-model",
        load=Load(concurrency, requests=requests),
        requests=requests,
        failed=failed,
        duration_s=duration_s,
        requests_per_s=requests / duration_s,
        generation_tokens_per_s=tokens_per_s,
        prompt_tokens_per_s=tokens_per_s,
        prompt_tokens=100 * requests,
        generation_tokens=round(tokens_per_s * duration_s),
        ttft_ms=Percentiles(ttft_ms, ttft_ms * 1.5, ttft_ms * 2, ttft_ms),
        itl_ms=Percentiles(10.0, 20.0, 30.0, 11.0),
        tpot_ms=Percentiles(10.0, 12.0, 14.0, 11.0),
        e2e_ms=latency,
        client=ClientShare(0.1),
        begun_at=datetime(2026, 11, 24, tzinfo=UTC),
        goodput_per_s=None if good_share is None else good_share * requests / duration_s,
        good_share=good_share,
        energy_j=energy_j,
    )


def series(tokens_per_s: float, repeats: int = 6, **more: float | None) -> tuple[Measured, ...]:
    """Repeats around a throughput, 1 % apart, as a quiet machine gives them."""
    wobble = (1.0, 1.01, 0.99, 1.005, 0.995, 1.0)
    return tuple(
        measured(tokens_per_s * wobble[i % len(wobble)], **more)  # type: ignore[arg-type]
        for i in range(repeats)
    )
