"""Phases of a start from the messages of vLLM, and the time that is left by what was learned."""

from __future__ import annotations

import pytest

from vconsole.engine.log.phases import PhaseTracker, remaining_s

# Messages as vLLM 0.32 prints them, with the second at which they came.
EAGER = [
    (1.0, "non-default args: {'model_tag': 'm'}"),
    (5.0, "Resolved architecture: LlamaForCausalLM"),
    (8.0, "Initializing a V1 LLM engine (v0.32.0) with config: model='m'"),
    (12.0, "Starting to load model m..."),
    (12.5, "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00, 4.1it/s]"),
    (13.0, "Loading weights took 0.50 seconds"),
    (14.0, "init engine (profile, create kv cache, warmup model) took 1.11 s"),
    (15.0, "Starting vLLM server on http://127.0.0.1:8000"),
]


def test_an_eager_start_goes_through_its_phases() -> None:
    tracker = PhaseTracker()
    for at_s, message in EAGER:
        tracker.feed(message, at_s)
    spans = tracker.finish(16.0)
    assert [(span.name, span.seconds) for span in spans] == [
        ("config", 8.0),
        ("init", 4.0),
        ("weights", 1.0),
        ("memory", 1.0),
        ("ready", 2.0),
    ]


def test_progress_belongs_to_the_phase_that_prints_it() -> None:
    tracker = PhaseTracker()
    for at_s, message in EAGER[:5]:
        tracker.feed(message, at_s)
    assert (tracker.current, tracker.progress) == ("weights", 0.5)
    tracker.feed(EAGER[5][1], EAGER[5][0])
    assert (tracker.current, tracker.progress) == ("memory", None)


def test_a_download_told_of_afterwards_is_taken_out_of_the_weights() -> None:
    tracker = PhaseTracker()
    tracker.feed("Starting to load model a/b...", 10.0)
    tracker.feed("Time spent downloading weights for a/b: 30.000000 seconds", 41.0)
    tracker.feed("Model loading took 4.5 GiB memory and 5.0 seconds", 46.0)
    spans = {span.name: span.seconds for span in tracker.finish(46.0)}
    assert spans["download"] == pytest.approx(30.0)
    assert spans["weights"] == pytest.approx(6.0)


def test_graphs_captured_twice_are_one_phase() -> None:
    tracker = PhaseTracker()
    tracker.feed("Capturing CUDA graphs (PIECEWISE):  10%|#| 1/10", 10.0)
    tracker.feed("Available KV cache memory: 3.00 GiB", 12.0)
    tracker.feed("Capturing CUDA graphs (FULL): 100%|#| 10/10", 13.0)
    spans = {span.name: span.seconds for span in tracker.finish(15.0)}
    assert spans["graphs"] == pytest.approx(4.0)


def test_the_rest_is_the_medians_of_what_is_to_come() -> None:
    learned = {"config": 8.0, "init": 4.0, "weights": 20.0, "ready": 1.0}
    assert remaining_s("weights", 5.0, learned) == pytest.approx(16.0)
    assert remaining_s("weights", 50.0, learned) == pytest.approx(1.0)
    assert remaining_s("config", 0.0, {}) is None


def test_what_a_card_holds_is_kept_as_the_log_says_it() -> None:
    tracker = PhaseTracker()
    assert (tracker.figures.weights_bytes, tracker.figures.kv_cache_bytes) == (None, None)
    tracker.feed("Model loading took 7.20 GiB memory and 11.40 seconds", 1.0)
    tracker.feed("Available KV cache memory: 5.70 GiB", 2.0)
    assert tracker.figures.weights_bytes == int(7.20 * 2**30)
    assert tracker.figures.kv_cache_bytes == int(5.70 * 2**30)
    # Too little memory is said as a negative size: there is no cache then.
    tracker.feed("Available KV cache memory: -0.31 GiB", 3.0)
    tracker.feed("Model loading took 1.2.3 GiB memory", 3.0)
    assert tracker.figures.kv_cache_bytes == int(5.70 * 2**30)
