"""Checks of the running server: what its command line, its metrics and its plan say."""

from __future__ import annotations

import json
import math

from vconsole.engine.command import command_line
from vconsole.host.readings import Gpu
from vconsole.models.fit.plan import Plan
from vconsole.supervisor.doctor.check import Finding, Fix, State, not_applicable, ok, unknown
from vconsole.supervisor.doctor.scene import Scene
from vconsole.supervisor.servers.starts.exposure import LOOPBACK, OPEN_ROUTES

GIB = 2**30
# vLLM's own (config/cache.py, engine/arg_utils.py of 0.32).
DEFAULT_UTILIZATION = 0.92
NO_SERVER = "no server runs"
# Left for CUDA's context and what a desktop does: see docs/memory.md.
LEFT_ALONE_BYTES = GIB // 2
WORTH_TELLING = 0.04
# Above it a start fails as soon as anything else wakes up on the card.
MOST_UTILIZATION = 0.95
EAGER = "--enforce-eager"
NO_GRAPHS = ("-O0", "-O.cudagraph_mode=NONE")


def cuda_graphs(scene: Scene) -> Finding:
    if not scene.on_cuda:
        return not_applicable("CUDA graphs are for NVIDIA cards")
    if scene.server is None:
        return not_applicable(NO_SERVER)
    off = next((word for word in scene.command if word in (EAGER, *NO_GRAPHS)), None)
    if off is None and _graphs_configured_away(scene):
        off = "--compilation-config"
    if off:
        return Finding(
            State.WARNING,
            f"off: the server was started with {off}",
            f"start it again without {off}",
            "expected: the most at few requests at once, where launches cost as much as work",
            _with("--no-enforce-eager", undo=("--enforce-eager",)) if off == EAGER else None,
        )
    captured = next((line for line in scene.said if "Graph capturing finished" in line), None)
    return ok(f"on; the log says: {captured}" if captured else "on, as vLLM does by itself")


def prefix_caching(scene: Scene) -> Finding:
    if scene.server is None:
        return not_applicable(NO_SERVER)
    on = scene.scrape.prefix_caching if scene.scrape else None
    if on is None:
        return unknown("the running server's metrics do not say")
    if on:
        rate = _hit_rate(scene)
        return ok("on" if rate is None else f"on; {rate:.0%} of prompt tokens came from it")
    return Finding(
        State.WARNING,
        "off: prompts that begin alike are computed each time",
        "start it again without --no-enable-prefix-caching",
        "expected: the shared beginning of prompts is computed once",
        _with("--enable-prefix-caching", undo=("--no-enable-prefix-caching",)),
    )


def chunked_prefill(scene: Scene) -> Finding:
    if scene.server is None:
        return not_applicable(NO_SERVER)
    if scene.has("--no-enable-chunked-prefill"):
        return Finding(
            State.WARNING,
            "off: a long prompt holds up the answers of all others",
            "start it again without --no-enable-chunked-prefill",
            "expected: steadier time between tokens beside long prompts",
            _with("--enable-chunked-prefill", undo=("--no-enable-chunked-prefill",)),
        )
    return ok("on, as vLLM does by itself")


def memory_utilization(scene: Scene) -> Finding:
    """The share of the card that vLLM takes, against what the plan or the tenants would allow."""
    card = _card_of(scene)
    if not scene.on_cuda or scene.server is None:
        return not_applicable(NO_SERVER if scene.on_cuda else "memory is shared on a CPU")
    now = _number(scene.flag("--gpu-memory-utilization")) or DEFAULT_UTILIZATION
    if scene.has("--kv-cache-memory-bytes"):
        return ok("the KV cache has the size that --kv-cache-memory-bytes says")
    if card is None or not card.memory_total_bytes:
        return unknown(f"{now:.2f}; what else is on the card cannot be read")
    best, source = _best_utilization(scene, card)
    gain_bytes = (best - now) * card.memory_total_bytes
    if best - now < WORTH_TELLING:
        return ok(f"{now:.2f} of the card ({source}: {best:.2f})")
    return Finding(
        State.WARNING,
        f"{now:.2f} of the card, where {source} allows {best:.2f}",
        f"start it again with --gpu-memory-utilization {best:.2f}",
        f"computed: {gain_bytes / GIB:.1f} GiB more for the KV cache",
        _set("--gpu-memory-utilization", f"{best:.2f}", f"{now:.2f}"),
    )


def max_num_seqs(scene: Scene) -> Finding:
    """How many requests may run at once, against what the KV cache can hold."""
    if scene.server is None:
        return not_applicable(NO_SERVER)
    given = _number(scene.flag("--max-num-seqs"))
    if given is None:
        return ok("as many as vLLM chooses for this card")
    planned = _planned(scene.server.plan, "--max-num-seqs")
    if planned is not None and given < planned:
        return Finding(
            State.WARNING,
            f"{given:.0f} requests at once, the plan has {planned:.0f}",
            f"start it again with --max-num-seqs {planned:.0f}",
            f"computed: up to {planned / given:.1f} times the requests at once",
            _set("--max-num-seqs", f"{planned:.0f}", f"{given:.0f}"),
        )
    return _queue_behind(scene, given) or ok(
        f"{given:.0f} requests at once" + (", as planned" if planned else "")
    )


def _queue_behind(scene: Scene, given: float) -> Finding | None:
    """Requests that wait though the KV cache would hold them."""
    waiting = scene.scrape.requests_waiting if scene.scrape else None
    usage = scene.scrape.kv_cache_usage if scene.scrape else None
    if not waiting or usage is None or usage >= 0.5:
        return None
    return Finding(
        State.WARNING,
        f"{waiting:.0f} requests wait behind {given:.0f}, with the KV cache {usage:.0%} full",
        f"start it again with --max-num-seqs {given * 2:.0f}",
        "computed: the KV cache holds twice the requests",
        _set("--max-num-seqs", f"{given * 2:.0f}", f"{given:.0f}"),
    )


def port(scene: Scene) -> Finding:
    if scene.server is not None:
        return ok(f"{scene.server.url} is ours")
    where = f"{scene.host}:{scene.port}"
    if not scene.port_taken:
        return ok(f"{where} is free for the next start")
    return Finding(
        State.WARNING,
        f"{where} is taken by another process",
        f"see whose: ss -ltnp 'sport = :{scene.port}'; or start with --port {scene.port + 1}",
    )


def exposure(scene: Scene) -> Finding:
    host = command_line.bind_host(scene.command) if scene.server else scene.host
    if host in LOOPBACK:
        return ok(f"bound to {host}: only this machine reaches it")
    return Finding(
        State.WARNING,
        f"bound to {host}; its API key does not guard {OPEN_ROUTES}",
        "bind to 127.0.0.1 and tunnel (ssh -L), or put a proxy before it that guards every route",
    )


def _with(*changes: str, undo: tuple[str, ...]) -> Fix:
    """The running server once more, with these flags; `undo` are what they take the place of."""
    words = f"start the server again with {' '.join(changes)}"
    return Fix(words, restarts=True, changes=changes, undo=undo)


def _set(flag: str, value: str, before: str) -> Fix:
    return _with(flag, value, undo=(flag, before))


def _graphs_configured_away(scene: Scene) -> bool:
    given = scene.flag("--compilation-config") or scene.flag("-O")
    if not given or not given.startswith("{"):
        return False
    try:
        found = json.loads(given)
    except ValueError:
        return False
    return found.get("cudagraph_mode") in ("NONE", 0) or found.get("mode") == 0


def _best_utilization(scene: Scene, card: Gpu) -> tuple[float, str]:
    planned = _planned(scene.server.plan, "--gpu-memory-utilization") if scene.server else None
    if planned is not None:
        return planned, "the plan"
    total = card.memory_total_bytes or 1
    others = sum(p.memory_bytes or 0 for p in card.processes if p.owner != "ours")
    free = total - others - (card.memory_reserved_bytes or 0) - LEFT_ALONE_BYTES
    return min(MOST_UTILIZATION, math.floor(free / total * 100) / 100), "what others leave"


def _card_of(scene: Scene) -> Gpu | None:
    """The fullest card that the server is on, or the only one."""
    ours = [gpu for gpu in scene.gpus if any(p.owner == "ours" for p in gpu.processes)]
    if ours:
        return max(ours, key=lambda gpu: gpu.memory_used_bytes or 0)
    return scene.gpus[0] if len(scene.gpus) == 1 else None


def _planned(plan: Plan | None, flag: str) -> float | None:
    found = next((one for one in plan.flags if one.flag == flag), None) if plan else None
    return _number(found.value) if found else None


def _hit_rate(scene: Scene) -> float | None:
    scrape = scene.scrape
    if scrape is None or not scrape.prefix_cache_queries or scrape.prefix_cache_hits is None:
        return None
    return scrape.prefix_cache_hits / scrape.prefix_cache_queries


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
