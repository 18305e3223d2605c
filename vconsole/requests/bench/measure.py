"""One load on one server, measured: the call that sweep, tune and prove are made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import msgspec

from vconsole.engine.http.protocol import ModelList, refusal_reason
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.compare import compare as compare
from vconsole.requests.bench.exchange import Exchange
from vconsole.requests.bench.loading import Loader
from vconsole.requests.bench.model import (
    Load,
    Measured,
    Progress,
    ServiceLevel,
    Target,
    Warmth,
    Workload,
)
from vconsole.requests.bench.summary import duration_s, failures, is_good, percentiles_ms
from vconsole.requests.bench.watching import Watch
from vconsole.requests.transport import Transport, TransportError

CALL_TIMEOUT_S = 10.0
OnProgress = Callable[[Progress], None]


async def measure(
    target: Target,
    workload: Workload,
    load: Load,
    *,
    level: ServiceLevel | None = None,
    warmth: Warmth = Warmth.COLD,
    repeat: int = 0,
    on_progress: OnProgress | None = None,
) -> Measured:
    """Warm up, send the load, and say how it went, failures among it.

    Raises `VConsoleError` where nobody answers, the key is refused, or every request failed.
    `warmth` and `repeat` are only noted down; a warm measurement is the same workload once more.
    """
    _require_sense(workload, load)
    async with Transport(target.url, target.api_key) as transport:
        model = target.model or await first_model(transport)
        loader = Loader(transport, model, workload, load)
        await loader.warm_up(_teller(on_progress, load.warm_up, warming_up=True))
        begun_at = datetime.now(UTC)
        async with Watch(transport) as watch:
            begun_s = perf_counter()
            exchanges = await loader.run(_teller(on_progress, load.requests))
        good = [each for each in exchanges if each.failure is None]
        if not good:
            raise _all_failed(target, exchanges)
        return _measured(
            target, model, load, exchanges, good, watch, begun_at, begun_s, level, warmth, repeat
        )


async def first_model(transport: Transport) -> str:
    """The first model that the server names; an error says why there is none."""
    try:
        answer = await transport.get("/v1/models", CALL_TIMEOUT_S)
    except TransportError as error:
        raise VConsoleError(
            error.message, "check the address, and that the server is ready", ExitCode.NO_SERVER
        ) from error
    if answer.status != 200:
        reason = refusal_reason(answer.status, answer.body)
        raise VConsoleError(f"{transport.url} refuses to name its models: {reason}")
    try:
        cards = msgspec.json.decode(answer.body, type=ModelList).data
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise VConsoleError(f"{transport.url} is no OpenAI-compatible server") from error
    if not cards:
        raise VConsoleError(f"{transport.url} serves no model", "name one")
    return cards[0].id


def _measured(
    target: Target,
    model: str,
    load: Load,
    exchanges: list[Exchange],
    good: list[Exchange],
    watch: Watch,
    begun_at: datetime,
    begun_s: float,
    level: ServiceLevel | None,
    warmth: Warmth,
    repeat: int,
) -> Measured:
    passed_s = duration_s(exchanges, begun_s)
    ttft_ms = percentiles_ms(each.ttft_s for each in good)
    energy_j, energy_note = watch.energy
    kept = None if level is None else sum(is_good(each, level) for each in good)
    generated, read = sum(e.generation_tokens for e in good), sum(e.prompt_tokens for e in good)
    return Measured(
        target=target.name,
        url=target.url,
        model=model,
        load=load,
        requests=len(exchanges),
        failed=len(exchanges) - len(good),
        duration_s=passed_s,
        requests_per_s=len(good) / passed_s,
        generation_tokens_per_s=generated / passed_s,
        prompt_tokens_per_s=read / passed_s,
        prompt_tokens=read,
        generation_tokens=generated,
        ttft_ms=ttft_ms,
        itl_ms=percentiles_ms(gap for each in good for gap in each.gaps_s),
        tpot_ms=percentiles_ms(t for each in good if (t := each.tpot_s) is not None),
        e2e_ms=percentiles_ms(each.e2e_s for each in good),
        client=watch.client(ttft_ms.p50),
        begun_at=begun_at,
        failures=failures(exchanges),
        first_failure=next((each.reason for each in exchanges if each.failure), None),
        level=level,
        goodput_per_s=None if kept is None else kept / passed_s,
        good_share=None if kept is None else kept / len(exchanges),
        server=watch.server(),
        energy_j=energy_j,
        energy_note=energy_note,
        warmth=warmth,
        repeat=repeat,
    )


def _teller(
    on_progress: OnProgress | None, total: int, warming_up: bool = False
) -> Callable[[Exchange], None]:
    done = failed = 0

    def told(exchange: Exchange) -> None:
        nonlocal done, failed
        done, failed = done + 1, failed + (exchange.failure is not None)
        if on_progress is not None:
            on_progress(Progress(done, total, failed, warming_up))

    return told


def _all_failed(target: Target, exchanges: list[Exchange]) -> VConsoleError:
    kinds = ", ".join(f"{count} {kind}" for kind, count in failures(exchanges).items())
    first = exchanges[0].reason if exchanges else None
    return VConsoleError(
        f"every request to {target.name} ({target.url}) failed: {kinds}; the first: {first}",
        "try one by hand: vconsole ask",
        kind="all_failed",
    )


def _require_sense(workload: Workload, load: Load) -> None:
    if not workload.prompts:
        raise VConsoleError("there is no prompt to measure with", None, ExitCode.USAGE)
    if load.requests < 1 or (load.concurrency is not None and load.concurrency < 1):
        raise VConsoleError("a load has at least one request", None, ExitCode.USAGE)
    if load.rate_per_s is not None and load.rate_per_s <= 0:
        raise VConsoleError("the rate must be above 0", None, ExitCode.USAGE)
