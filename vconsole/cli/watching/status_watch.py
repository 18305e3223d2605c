"""status --watch: the page as one line a second, for people without a full-screen terminal."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime

import click

from vconsole.cli.output import duration, figure, percent, print_json
from vconsole.cli.watching.headline import SYMBOLS, card, headline
from vconsole.engine.metrics.figures import Metrics
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerState, Status


def watch(client: SupervisorClient, name: str, as_json: bool) -> None:
    shown = None
    for page in client.watch(name):
        second = datetime.now().astimezone().strftime("%H:%M:%S")
        if second == shown:
            continue
        shown = second
        if as_json:
            print_json(page)
        else:
            click.echo(f"{second} {watch_line(page)}")


def watch_line(page: Status) -> str:
    server, metrics = page.server, page.metrics
    if server.state is ServerState.STARTING:
        share = "" if server.progress is None else f" {server.progress:.0%}"
        eta = "" if server.eta_s is None else f"  about {duration(server.eta_s)} left"
        return f"{headline(server)}  {server.phase}{share}{eta}"
    if metrics is None or server.state is not ServerState.READY:
        return headline(server)
    return "  ".join(_as_fits(_watch_parts(page, metrics)))


def _watch_parts(page: Status, metrics: Metrics) -> list[str]:
    """The overview's figures, the most telling first."""
    ttft, itl = metrics.ttft_ms, metrics.itl_ms
    return [
        f"{SYMBOLS[page.server.state]} {page.server.served_name}",
        f"run {figure(metrics.requests_running)}",
        f"wait {figure(metrics.requests_waiting)}",
        f"gen {figure(metrics.generation_tokens_per_s)} tok/s",
        f"prompt {figure(metrics.prompt_tokens_per_s)} tok/s",
        f"KV {percent(metrics.kv_cache_usage)}",
        f"TTFT p95 {figure(ttft.p95, ' ms')}",
        f"ITL p95 {figure(itl.p95, ' ms')}",
        *(f"GPU {gpu.index} {card(gpu)}" for gpu in page.gpus),
        f"{figure(metrics.requests_per_s, '/s', 1)}",
        f"preempted {figure(metrics.preemptions)}",
    ]


def _as_fits(parts: list[str]) -> list[str]:
    """On a terminal those that fit beside the clock; into a file or a pipe all of them."""
    if not sys.stdout.isatty():
        return parts
    room, kept = shutil.get_terminal_size().columns - len("00:00:00 "), parts[:1]
    for part in parts[1:]:
        if len("  ".join([*kept, part])) > room:
            break
        kept.append(part)
    return kept
