"""What sets the pace: room in the cache, seats, prompts, arithmetic, memory speed, or the clients.

Two lines are drawn by the roofline of a step: all weights are read once in it, whatever is in it,
and above some hundred tokens the arithmetic takes longer than that.
"""

from __future__ import annotations

from vconsole.supervisor.advice.rule import Facts, Rule, count, gib, milliseconds, percent
from vconsole.supervisor.advice.situation import Situation

KV_NEARLY_FULL = 0.9
KV_ROOMY = 0.7
BUSY = 0.9
# Of the time of a token, so much is the reading of weights where the memory sets the pace; more
# than all of it is a model that does not read all its weights for every token.
MOSTLY_READING, ALL_READING = 0.6, 1.05
FULL_STEP_TOKENS = 256
LONGER_THAN_READING = 2.0
FEWEST_REQUESTS = 5


def _kv(situation: Situation) -> Facts | None:
    metrics, waiting = situation.metrics, situation.waiting
    usage, preempted = metrics.kv_cache_usage, metrics.preemptions_10min or 0
    if usage is None or usage < KV_NEARLY_FULL or not (waiting or preempted):
        return None
    facts = {"kv": percent(usage), "waiting": count(waiting), "preempted": count(preempted)}
    if not situation.is_on_cpu and situation.flag("--kv-cache-dtype") is None:
        facts["dtype"] = "fp8"
    return facts


def _seats(situation: Situation) -> Facts | None:
    seats, usage = situation.number("--max-num-seqs"), situation.metrics.kv_cache_usage
    if not seats or not situation.waiting or situation.running < seats:
        return None
    if usage is None or usage >= KV_NEARLY_FULL:
        return None
    waiting = count(situation.waiting)
    return {"seats": str(seats), "more": str(2 * seats), "waiting": waiting, "kv": percent(usage)}


def _prompts(situation: Situation) -> Facts | None:
    metrics = situation.metrics
    prefill, decode = metrics.prefill_ms, metrics.decode_ms
    if prefill is None or decode is None or not situation.running:
        return None
    if (metrics.finished_10min or 0) < FEWEST_REQUESTS or prefill < decode:
        return None
    share = percent(prefill / (prefill + decode))
    facts = {"share": share, "prefill": milliseconds(prefill), "decode": milliseconds(decode)}
    if budget := situation.number("--max-num-batched-tokens"):
        facts["more"] = str(2 * budget)
    return facts


def _compute(situation: Situation) -> Facts | None:
    metrics, floor = situation.metrics, situation.floor_ms
    tokens, took = metrics.step_tokens, metrics.itl_ms.mean
    if not floor or took is None or tokens is None or not situation.running:
        return None
    busy = max((gpu.utilization or 0 for gpu in situation.gpus), default=0)
    if tokens < FULL_STEP_TOKENS or took < LONGER_THAN_READING * floor or busy < BUSY:
        return None
    times = f"{took / floor:.1f}"
    return {"tokens": count(tokens), "took": milliseconds(took), "times": times}


def _cpu(situation: Situation) -> Facts | None:
    cpu = situation.status.host.cpu
    if not situation.is_on_cpu or not situation.running or cpu is None or cpu < BUSY:
        return None
    return {"cpu": percent(cpu)}


def _queue(situation: Situation) -> Facts | None:
    if not situation.waiting:
        return None
    deferred = situation.metrics.waiting_by_reason.get("deferred", 0)
    why = f", {count(deferred)} of them put off for a while" if deferred else ""
    return {"waiting": count(situation.waiting), "running": count(situation.running), "why": why}


def _bandwidth(situation: Situation) -> Facts | None:
    metrics, floor, took = situation.metrics, situation.floor_ms, situation.metrics.itl_ms.mean
    if not floor or not took or not situation.running or metrics.spec_acceptance is not None:
        return None
    if not MOSTLY_READING <= floor / took <= ALL_READING:
        return None
    return {
        "took": milliseconds(took),
        "floor": milliseconds(floor),
        "weights": gib(situation.weights_bytes or 0),
        "speed": count((situation.bandwidth_bytes_per_s or 0) / 1e9),
    }


def _clients(situation: Situation) -> Facts | None:
    usage = situation.metrics.kv_cache_usage
    if not situation.running or situation.waiting or usage is None or usage > KV_ROOMY:
        return None
    return {"running": count(situation.running), "kv": percent(usage)}


KV = Rule(
    "kv-limited",
    _kv,
    "The KV cache is {kv} full: {waiting} wait for room, {preempted} preempted in 10 min.",
    "Send fewer at once, or give a token less room (--kv-cache-dtype fp8).",
    "server.restart",
    ("--kv-cache-dtype", "{dtype}"),
)
SEATS = Rule(
    "seats-limited",
    _seats,
    "All {seats} seats are taken and {waiting} wait, while the KV cache is {kv} full.",
    "Start with --max-num-seqs {more}.",
    "server.restart",
    ("--max-num-seqs", "{more}"),
)
PROMPTS = Rule(
    "prompt-limited",
    _prompts,
    "Reading prompts is {share} of a request's time: {prefill}, and its answer {decode}.",
    "Put what prompts share first, and let a step take more (--max-num-batched-tokens).",
    "server.restart",
    ("--max-num-batched-tokens", "{more}"),
)
COMPUTE = Rule(
    "compute-limited",
    _compute,
    "A step of {tokens} tokens takes {took}, {times} times the reading of the weights.",
    "The card computes all it can: more at once waits longer; fp8 weights are faster.",
    "screen.models",
)
CPU = Rule(
    "cpu-limited",
    _cpu,
    "It runs on the CPU, {cpu} of which is busy: that is the limit.",
    "A smaller model is faster, and so is a GPU.",
    "screen.models",
)
QUEUE = Rule(
    "queueing",
    _queue,
    "{waiting} wait while {running} run{why}.",
    action="screen.batch",
)
BANDWIDTH = Rule(
    "bandwidth-limited",
    _bandwidth,
    "A token takes {took}; reading {weights} GiB of weights at {speed} GB/s takes {floor}.",
    "The card's memory sets the pace: more at once is nearly free.",
    "screen.models",
)
CLIENTS = Rule(
    "client-limited",
    _clients,
    "Room to spare: {running} run, none waits, KV {kv}. Send more at once.",
    action="job.concurrency",
)
