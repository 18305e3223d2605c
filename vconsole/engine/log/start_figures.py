"""What vLLM prints of memory while it starts, to the digits that it prints.

Patterns are those of vLLM 0.32 and, where they differ, of versions before: a line of the worker
(v1/worker/gpu_worker.py, gpu_model_runner.py) or of the engine core (v1/core/kv_cache_utils.py).
With several cards each worker prints its own, and the least KV cache counts.
"""

from __future__ import annotations

import re

GIB = 2**30
# name, pattern, and whether the number is GiB
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("weights_bytes", re.compile(r"Model loading took (\d{1,6}\.\d+) ?Gi?B")),
    ("kv_cache_bytes", re.compile(r"Available KV cache memory: (\d{1,6}\.\d+) GiB")),
    ("cuda_graph_bytes", re.compile(r"Graph capturing finished in .*took (\d{1,6}\.\d+) GiB")),
    ("peak_activation_bytes", re.compile(r"PyTorch activation peak memory takes (\d+\.\d+)GiB")),
)
TOKENS = re.compile(r"(?:GPU|CPU) KV cache size: ([\d,]{1,20}) tokens")
CONCURRENCY = re.compile(
    r"Maximum concurrency for ([\d,]{1,20}) tokens per request: (\d{1,12}\.\d+)x"
)


class StartFigures:
    """Takes messages in, and keeps what was printed; None is what was not."""

    def __init__(self) -> None:
        self.weights_bytes: int | None = None
        self.kv_cache_bytes: int | None = None
        self.cuda_graph_bytes: int | None = None
        self.peak_activation_bytes: int | None = None
        self.kv_cache_tokens: int | None = None
        self.max_model_len: int | None = None
        self.max_concurrency: float | None = None

    def feed(self, message: str) -> None:
        for name, pattern in PATTERNS:
            if found := pattern.search(message):
                self._take(name, int(float(found[1]) * GIB))
        if found := TOKENS.search(message):
            self.kv_cache_tokens = int(found[1].replace(",", ""))
        if found := CONCURRENCY.search(message):
            self.max_model_len = int(found[1].replace(",", ""))
            self.max_concurrency = float(found[2])

    def _take(self, name: str, size: int) -> None:
        known = getattr(self, name)
        choose = min if name == "kv_cache_bytes" else max
        setattr(self, name, size if known is None else choose(known, size))
