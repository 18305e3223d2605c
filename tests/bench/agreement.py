"""`vconsole bench` beside `vllm bench serve`: the same figures of one server, turn about."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table
from tests.support.home import Home, free_port
from vconsole.requests.bench.compare import compare_values
from vconsole.requests.bench.model import Verdict

ROUNDS = 4
LOADS = (1, 4)
REQUESTS, WARM_UP, INPUT_TOKENS, OUTPUT_TOKENS = 32, 4, 64, 32
PATIENCE_S = 300
SCRIPT = Path(__file__).with_name("bench_serve.py")
THEIRS, OURS = "vllm bench serve", "vconsole bench"
# What each is called by us, with its part of a percentile, and by `vllm bench serve`. A gap between
# pieces that one read brought is 0, so that means say more of ITL than its median.
FIGURES = {
    "TTFT p50": ("ttft_ms", "p50", "median_ttft_ms"),
    "TPOT mean": ("tpot_ms", "mean", "mean_tpot_ms"),
    "ITL mean": ("itl_ms", "mean", "mean_itl_ms"),
    "E2E p50": ("e2e_ms", "p50", "median_e2el_ms"),
}
PER_TOKEN = "time by generated tokens"
Seen = Mapping[str, float]


def measure(ground: Ground) -> Table:
    home = Home(ground.home.root / "agreement", ground.home.env["VCONSOLE_ENGINE"])
    home.env.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        ran = home.run("start", "demo", "--json", "--port", str(free_port()), timeout_s=PATIENCE_S)
        if ran.code:
            raise RuntimeError(f"the server did not start: {ran.err}")
        return _table(home)
    finally:
        home.close()


def _table(home: Home) -> Table:
    figures: list[Figure] = []
    with _BenchServe(home) as theirs:
        for concurrency in LOADS:
            figures += _of_load(concurrency, _taken(home, theirs, concurrency))
    return Table(
        "agreement",
        f"{OURS} and {THEIRS} in turn on one server whose engine has one core, {ROUNDS} rounds "
        f"of {REQUESTS} streamed completions each, {INPUT_TOKENS} random tokens in and "
        f"{OUTPUT_TOKENS} out; beyond the noise is what the 95 % interval of the rounds' ratios "
        "leaves 1 out of",
        tuple(figures),
    )


def _taken(home: Home, theirs: _BenchServe, concurrency: int) -> dict[str, list[Seen]]:
    """Turn about who is first, so that what befalls the machine meets both.

    The first round only warms what there is to be warmed.
    """
    taken: dict[str, list[Seen]] = {THEIRS: [], OURS: []}
    subjects: tuple[tuple[str, Callable[[int, int], Seen]], ...] = (
        (THEIRS, theirs.run),
        (OURS, partial(_ours, home)),
    )
    for number in range(ROUNDS + 1):
        for who, run in subjects if number % 2 == 0 else subjects[::-1]:
            found = run(concurrency, number)
            words = ", ".join(f"{name} {value:.2f} ms" for name, value in found.items())
            print(f"  {who} at {concurrency}: {words}", file=sys.stderr, flush=True)
            if number:
                taken[who].append(found)
    return taken


def _of_load(concurrency: int, taken: Mapping[str, list[Seen]]) -> list[Figure]:
    """Both side by side, and last how many of the figures differ beyond the noise."""
    figures, beyond = [], 0
    for name in (*FIGURES, PER_TOKEN):
        both = {who: tuple(one[name] for one in seen) for who, seen in taken.items()}
        figures += _figures(f"{name} at {concurrency}", both)
        beyond += _differs(both[THEIRS], both[OURS])
    words = f"of these {len(FIGURES) + 1}, beyond the noise at {concurrency}"
    return [*figures, Figure(words, "differ", (float(beyond),), 0)]


def _figures(name: str, both: Mapping[str, tuple[float, ...]]) -> list[Figure]:
    theirs = f"{THEIRS}, {name}"
    return [
        Figure(theirs, "ms", both[THEIRS]),
        Figure(f"{OURS}, {name}", "ms", both[OURS], None, theirs),
    ]


def _differs(a: Sequence[float], b: Sequence[float]) -> bool:
    found = compare_values("e2e_ms", a, b)
    return found.verdict in {Verdict.HIGHER, Verdict.LOWER}


def _ours(home: Home, concurrency: int, number: int) -> Seen:
    ran = home.run(
        *("bench", "--json", "--repeats", "1", "--seed", str(number)),
        *("--concurrency", str(concurrency), "--requests", str(REQUESTS)),
        *("--warm-up", str(WARM_UP), "--input-tokens", str(INPUT_TOKENS)),
        *("--output-tokens", str(OUTPUT_TOKENS)),
        timeout_s=PATIENCE_S,
    )
    if ran.code:
        raise RuntimeError(f"vconsole bench failed: {ran.err}")
    (run,) = ran.data["runs"]
    assert run["generation_tokens"] == REQUESTS * OUTPUT_TOKENS
    found = {name: float(run[ours][part]) for name, (ours, part, _) in FIGURES.items()}
    return {**found, PER_TOKEN: 1e3 / run["generation_tokens_per_s"]}


class _BenchServe:
    """`vllm bench serve` in a process of its own, whose start-up is taken once for all rounds."""

    def __init__(self, home: Home) -> None:
        self._server = home.status()["server"]
        self._folder = Path(home.root) / "bench-serve"
        self._log = (Path(home.root) / "bench-serve.log").open("w+")
        self._process = subprocess.Popen(
            [home.env["VCONSOLE_ENGINE"], str(SCRIPT)],
            env=home.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)
        self._process.stdout.close()
        self._log.close()

    def run(self, concurrency: int, number: int) -> Seen:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(self._arguments(concurrency, number)) + "\n")
        stdin.flush()
        if not any(line == "round done\n" for line in stdout):
            self._log.seek(0)
            raise RuntimeError(f"vllm bench serve failed: {self._log.read()[-2000:]}")
        found: dict[str, Any] = json.loads((self._folder / f"{concurrency}-{number}").read_text())
        assert found["completed"] == REQUESTS, found
        seen = {name: float(found[theirs]) for name, (_, _, theirs) in FIGURES.items()}
        return {**seen, PER_TOKEN: 1e3 / found["output_throughput"]}

    def _arguments(self, concurrency: int, number: int) -> list[str]:
        model = str(self._server["model"])
        return [
            *("--backend", "openai", "--endpoint", "/v1/completions"),
            *("--base-url", str(self._server["url"])),
            *("--served-model-name", str(self._server["served_name"])),
            *("--model", model, "--tokenizer", model, "--temperature", "0", "--ignore-eos"),
            *("--dataset-name", "random", "--random-input-len", str(INPUT_TOKENS)),
            *("--random-output-len", str(OUTPUT_TOKENS), "--seed", str(number)),
            *("--num-prompts", str(REQUESTS), "--num-warmups", str(WARM_UP)),
            *("--max-concurrency", str(concurrency), "--disable-tqdm"),
            *("--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,95"),
            *("--save-result", "--result-dir", str(self._folder)),
            *("--result-filename", f"{concurrency}-{number}"),
        ]
