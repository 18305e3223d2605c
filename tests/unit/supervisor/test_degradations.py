"""What is read, while a server lives, of its being worse than it could be."""

from __future__ import annotations

from vconsole.engine.log.failures import degradations

PREFIX = "(EngineCore pid=7) ERROR 11-23 20:58:53 [core.py:12] "


def test_degradations_are_read_from_the_lines_of_a_living_server() -> None:
    stall = "(EngineCore pid=7) INFO 11-23 21:00:00 [shm_broadcast.py:1] No available shared memory"
    lines = [
        "(EngineCore pid=7) WARNING 11-23 20:58:44 [x.py:1] FlashInfer is not available. Falling"
        " back to the PyTorch-native implementation of top-p & top-k sampling.",
        stall + " broadcast block found in 60 seconds.",
        "(APIServer pid=1) INFO 11-23 21:00:12 [loggers.py:248] Engine 000: Avg generation"
        " throughput: 3.1 tokens/s, Running: 8 reqs, Waiting: 3 reqs, GPU KV cache usage: 99.1%",
        PREFIX + "OSError: [Errno 24] Too many open files",
    ]
    found = [each.cause for each in degradations(lines, serving=True)]
    assert set(found) == {"flashinfer_fallback", "worker_stall", "kv_preemption", "fd_limit"}
    assert "fd_limit" not in [each.cause for each in degradations(lines, serving=False)]
    assert (
        degradations(["INFO:     Application startup complete.", "", "INFO: 200 OK"], serving=True)
        == ()
    )
