"""The line of `status --watch`: the overview's figures, as many as fit."""

from __future__ import annotations

import sys

import pytest

from vconsole.cli.watching.status_watch import watch_line
from vconsole.engine.metrics.figures import Metrics, Quantiles
from vconsole.host.readings import Gpu
from vconsole.supervisor.model import ServerState, ServerStatus, Status

GIB = 1024**3
PAGE = Status(
    server=ServerStatus("main", ServerState.READY, served_name="lark"),
    metrics=Metrics(
        requests_running=28,
        requests_waiting=0,
        generation_tokens_per_s=1842,
        prompt_tokens_per_s=6310,
        kv_cache_usage=0.54,
        ttft_ms=Quantiles(p95=310),
    ),
    gpus=(Gpu(0, memory_used_bytes=14 * GIB, memory_total_bytes=16 * GIB, utilization=0.92),),
)


def test_into_a_pipe_it_has_all_the_figures() -> None:
    line = watch_line(PAGE)
    assert line.startswith("● lark  run 28  wait 0  gen 1,842 tok/s  prompt 6,310 tok/s  KV 54%")
    assert "TTFT p95 310 ms  ITL p95 —" in line
    assert "GPU 0 14.0 GiB of 16.0 GiB  92%" in line


def test_on_a_terminal_it_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    line = watch_line(PAGE)
    assert "KV 54%" in line
    assert len(line) <= 71
