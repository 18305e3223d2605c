"""The diagnosis, on recordings of real failures and on what programs are known to say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from vconsole.engine.log.failure_rules import anchor, rule_book
from vconsole.engine.log.failures import Severity, diagnose

DATA = Path(__file__).parents[1] / "data" / "failures"
PREFIX = "(EngineCore pid=7) ERROR 11-23 20:58:53 [core.py:12] "
READY = "INFO:     Application startup complete."
VERSION = "(APIServer pid=1) INFO 11-23 20:58:40 [api_utils.py:347] vLLM server version 0.32.0"
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.36 GiB. GPU 0 has a total"
DEAD = "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue."

# Recorded from vLLM 0.32.0's CPU build with a tiny Llama: (recording, cause, in the evidence line).
RECORDED = [
    ("wrong_path", "model_not_found", "Repo id must be in the form"),
    ("unknown_flag", "bad_argument", "unrecognized arguments: --max-modle-len"),
    ("bad_flag_value", "bad_argument", "Input should be less than or equal to 1"),
    ("too_long_json", "max_len_exceeds_model", "User-specified max_model_len (400000)"),
    ("port_taken", "port_in_use", "[Errno 98] Address already in use"),
    ("kv_cache_too_small", "kv_cache_too_small", "estimated maximum model length is 384"),
    ("kv_cache_too_small_json", "kv_cache_too_small", "estimated maximum model length is 384"),
    ("ordered_stop", "healthy", ""),
    ("no_tokenizer", "tokenizer_error", "Couldn't instantiate the backend tokenizer"),
    ("truncated_shard", "corrupt_weights", "Error while deserializing header"),
    ("truncated_shard_json", "corrupt_weights", "Error while deserializing header"),
    ("missing_shard", "corrupt_weights", "Weight files referenced in index but missing"),
    ("unknown_architecture", "unsupported_arch", "are not supported for now"),
    ("unknown_model_type", "transformers_outdated", "does not recognize this architecture"),
    ("quantization_mismatch", "bad_argument", "does not match the quantization method"),
    ("tensor_parallel_3", "tp_not_divisible", "must be divisible by tensor parallel size"),
    ("hub_offline", "hub_unreachable", "outgoing traffic has been disabled"),
    ("engine_core_killed", "host_ram_oom", "engine core exited unexpectedly"),
    ("worker_killed", "host_ram_oom", "died unexpectedly"),
    ("engine_core_killed_at_start", "host_ram_oom", "Failed core proc(s): {}"),
    ("disk_full", "disk_full", "[Errno 28] No space left on device"),
    ("lora_missing", "lora_error", "adapter_config.json"),
    ("kv_cache_full", "kv_preemption", "KV cache usage: 100.0%"),
    ("remote_code", "trust_remote_code", "trust_remote_code=True"),
    ("mistral_format", "mistral_format", "Failed to load mistral 'params.json' config"),
    ("weights_of_another_shape", "weights_mismatch", "The size of tensor a"),
    ("no_certificate", "bad_argument", "load_cert_chain"),
]

# What vLLM, torch, CUDA, the Hub and their companions say in other versions and on GPUs.
SAYINGS = [
    line.split("\t") for line in (DATA / "sayings.tsv").read_text(encoding="utf-8").splitlines()
]


def recording(name: str) -> list[str]:
    return (DATA / f"{name}.log").read_bytes().decode().split("\n")


@pytest.mark.parametrize(("name", "cause", "telling"), RECORDED)
def test_recorded_failures_have_their_cause_and_evidence(
    name: str, cause: str, telling: str
) -> None:
    lines = recording(name)
    found = diagnose(lines)
    assert found.cause == cause
    if telling:
        assert found.evidence is not None
        assert telling in lines[found.evidence.line - 1]
        assert found.evidence.text in lines[found.evidence.line - 1].replace('\\"', '"')
        assert found.remedy
    else:
        assert found.severity is Severity.HEALTHY
        assert found.evidence is None


@pytest.mark.parametrize(("cause", "saying"), SAYINGS)
def test_known_sayings_have_their_cause(cause: str, saying: str) -> None:
    lines = [VERSION, PREFIX + "Traceback (most recent call last):", PREFIX + saying]
    lines += ["RuntimeError: Engine core initialization failed. See root cause above."]
    found = diagnose(lines)
    assert found.cause == cause
    assert found.severity is Severity.FATAL
    assert found.evidence is not None
    assert found.evidence.line == 3


@pytest.mark.parametrize(
    ("frames", "before", "cause"),
    [
        (["load_model"], [], "weights_oom"),
        (["determine_available_memory", "profile_run"], [], "warmup_oom"),
        (["capture_model"], ["Model loading took 15.9 GiB and 9.8 seconds"], "warmup_oom"),
        (["execute_model"], [READY], "runtime_oom"),
        ([], ["Model loading took 15.9 GiB and 9.8 seconds"], "warmup_oom"),
    ],
)
def test_the_phase_tells_one_lack_of_memory_from_another(
    frames: list[str], before: list[str], cause: str
) -> None:
    traceback = [f'{PREFIX}  File "/x/worker.py", line 1, in {frame}' for frame in frames]
    lines = [VERSION, *before, PREFIX + "Traceback (most recent call last):", *traceback]
    assert diagnose([*lines, PREFIX + OOM, DEAD]).cause == cause


@pytest.mark.parametrize(
    ("file", "function", "raised", "cause"),
    [
        ("vllm/config/speculative.py", "__post_init__", "ValueError: no.", "spec_decode_config"),
        ("vllm/config/scheduler.py", "__post_init__", "ValueError: no.", "bad_argument"),
        ("vllm/lora/peft_helper.py", "validate", "ValueError: no.", "lora_error"),
        ("transformers/tokenization_utils_base.py", "load", "TypeError: no.", "tokenizer_error"),
        ("vllm/model_executor/models/a.py", "load_weights", "KeyError: 'x'", "weights_mismatch"),
        ("flashinfer/jit/core.py", "build", "RuntimeError: no.", "jit_toolchain"),
        ("multiprocessing/shared_memory.py", "__init__", "OSError: [Errno 28]", "shm_too_small"),
        (
            "vllm/platforms/interface.py",
            "get_device_name",
            "NotImplementedError",
            "no_gpu_detected",
        ),
        # A bug is no refusal, and what a library below raised is not the caller's.
        ("vllm/config/scheduler.py", "__post_init__", "IndexError: no.", "unknown"),
        ("acme/parts.py", "fetch", "ValueError: no.", "unknown"),
    ],
)
def test_where_it_was_raised_tells_what_the_words_do_not(
    file: str, function: str, raised: str, cause: str
) -> None:
    frames = [("vllm/v1/engine/core.py", "run_engine_core"), ("vllm/config/vllm.py", "validate")]
    traceback = [
        text
        for name, where in [*frames, (file, function)]
        for text in (f'{PREFIX}  File "/x/{name}", line 1, in {where}', f"{PREFIX}    raise Such(")
    ]
    found = diagnose([VERSION, f"{PREFIX}Traceback (most recent call last):", *traceback,
                      PREFIX + raised, DEAD])  # fmt: skip
    assert (found.cause, found.severity) == (cause, Severity.FATAL)
    assert found.evidence is not None
    assert found.evidence.text == PREFIX + raised


def test_the_warning_that_foretold_the_death_is_its_evidence() -> None:
    warning = (
        "WARNING 11-23 20:58:41 [_custom_ops.py:11] Failed to import from vllm._C with"
        " ImportError('/x/_C.abi3.so: undefined symbol: _ZN5torch')"
    )
    death = "AttributeError: '_OpNamespace' '_C' object has no attribute 'rms_norm'"
    found = diagnose([VERSION, warning, PREFIX + death, DEAD])
    assert (found.cause, found.severity) == ("abi_mismatch", Severity.FATAL)
    assert found.evidence is not None
    assert found.evidence.line == 2


def test_figures_of_the_case_reach_message_remedy_and_flags() -> None:
    found = diagnose(
        [
            f"{PREFIX}ValueError: To serve at least one request with the models's max seq len"
            " (131072), (4.54 GiB KV cache is needed, which is larger than the available KV cache"
            " memory (1.71 GiB). Based on the available memory, the estimated maximum model length"
            " is 49296. Try increasing"
        ]
    )
    assert "131072 tokens needs 4.54 GiB" in found.message
    assert "--max-model-len 49296" in (found.remedy or "")
    assert found.suggested_flags == ("--max-model-len", "49296")
    taken = diagnose(
        [
            "ValueError: Free memory on device (13.33/15.99 GiB) on startup is less than desired"
            " GPU memory utilization (0.92, 14.71 GiB)."
        ]
    )
    assert taken.suggested_flags == ("--gpu-memory-utilization", "0.83")
    assert taken.retryable


def test_a_remedy_leaves_out_what_it_has_no_figures_for() -> None:
    found = diagnose(["ValueError: No available memory for the cache blocks."])
    assert found.remedy is not None
    assert found.remedy.startswith("Give vLLM more memory")
    assert "{" not in found.remedy
    assert found.suggested_flags == ()


def test_an_unknown_error_shows_its_first_real_exception() -> None:
    lines = [VERSION, PREFIX + "Traceback (most recent call last):",
             PREFIX + "acme.FluxError: the flux is out", DEAD,
             "RuntimeError: Engine core initialization failed. See root cause above."]  # fmt: skip
    found = diagnose(lines)
    assert (found.cause, found.severity) == ("unknown", Severity.FATAL)
    assert found.evidence is not None
    assert found.evidence.line == 3


@pytest.mark.parametrize(
    "raised", ["ValueError: the frobnicator is out", "acme.Broken: the frobnicator is out"]
)
def test_an_unknown_error_before_every_wrapper_stays_unknown(raised: str) -> None:
    wrapper = "RuntimeError: Engine core initialization failed. See root cause above. Failed core"
    lines = [VERSION, PREFIX + "Traceback (most recent call last):", PREFIX + raised]
    found = diagnose([*lines, f"{wrapper} proc(s): {{}}"])
    assert (found.cause, found.severity) == ("unknown", Severity.FATAL)
    assert found.evidence is not None
    assert found.evidence.line == 3


@pytest.mark.parametrize(
    "line",
    [
        "(APIServer pid=1) ERROR 01-28 06:35:44 [gpt_oss_triton_kernels_moe.py:34] Failed to import"
        " Triton kernels. Please make sure your triton version is compatible. Error: No module"
        " named 'triton_kernels.routing'",
        "(EngineCore pid=1) WARNING 01-28 06:35:44 [x.py:34] Your GPU does not have native support"
        " for FP8 computation but FP8 quantization is being used. Weight-only FP8 compression will"
        " be used leveraging the Marlin kernel.",
        "(EngineCore pid=1) WARNING 01-28 06:35:44 [custom_all_reduce.py:34] Custom allreduce is"
        " disabled because your platform lacks GPU P2P capability or P2P test failed.",
        "[rank0]:[W ProcessGroupNCCL.cpp:1496] Warning: destroy_process_group() was not called",
    ],
)
def test_what_sounds_bad_and_is_not_raises_no_alarm(line: str) -> None:
    assert diagnose([VERSION, line, READY]).severity is Severity.HEALTHY
    assert diagnose([VERSION, READY, line]).severity is Severity.HEALTHY


def test_a_requested_stop_is_no_failure() -> None:
    stop = "(APIServer pid=1) INFO 11-23 21:00:00 [launcher.py:254] [shutdown] API server: "
    lines = [VERSION, READY, stop + "shutdown triggered", PREFIX + DEAD]
    assert diagnose(lines).severity is Severity.HEALTHY
    assert diagnose([VERSION, READY, PREFIX + DEAD]).severity is Severity.FATAL
    assert diagnose([VERSION, READY, PREFIX + DEAD], stop_requested=True).cause == "healthy"
    assert diagnose([VERSION, READY], exit_signal=15).severity is Severity.HEALTHY


@pytest.mark.parametrize(
    ("exit_signal", "cause"),
    [(9, "host_ram_oom"), (11, "segfault"), (7, "shm_too_small"), (4, "cpu_unsupported")],
)
def test_a_signal_speaks_when_the_log_is_silent(exit_signal: int, cause: str) -> None:
    found = diagnose([VERSION, READY], exit_signal=exit_signal)
    assert (found.cause, found.severity) == (cause, Severity.FATAL)


def test_what_a_healthy_run_prints_raises_no_alarm() -> None:
    lines = [
        VERSION,
        "(APIServer pid=1) WARNING 11-23 20:58:41 [system_utils.py:255] Found ulimit of 20000 and"
        " failed to automatically increase. This can cause fd limit errors like `OSError: [Errno"
        " 24] Too many open files`. Consider increasing with ulimit -n",
        "Traceback (most recent call last):",
        '  File "/x/opt.py", line 1, in <module>',
        "ModuleNotFoundError: No module named 'flash_attn_3'",
        "(EngineCore pid=7) WARNING 11-23 20:58:44 [gpu_worker.py:791] Without it, lowering"
        " --gpu-memory-utilization to avoid OOM: CUDA out of memory. Tried to allocate",
        READY,
        'INFO:     127.0.0.1:4242 - "POST /v1/chat/completions HTTP/1.1" 400 Bad Request',
        "(APIServer pid=1) ERROR 11-23 21:00:00 [serving.py:1] ValueError: max_model_len exceeded",
    ]
    assert diagnose(lines).severity is Severity.HEALTHY
    assert diagnose([]).severity is Severity.HEALTHY


def test_a_fault_while_serving_kills_but_a_survived_one_does_not() -> None:
    lines = [VERSION, READY, PREFIX + "OSError: [Errno 24] Too many open files"]
    assert diagnose(lines).severity is Severity.DEGRADED
    assert diagnose([VERSION, lines[2], READY]).severity is not Severity.FATAL
    assert diagnose([*lines, DEAD]).severity is Severity.FATAL


def test_what_a_request_was_refused_for_is_no_cause_of_a_later_death() -> None:
    refused = "ERROR 11-23 21:00:00 [serving.py:1] ValueError: max_tokens (9999) must be less than"
    later = [f"ERROR 11-23 21:00:00 [serving.py:1] line {at}" for at in range(400)]
    death = [PREFIX + "Traceback (most recent call last):", PREFIX + "acme.FluxError: out", DEAD]
    found = diagnose([VERSION, READY, refused, *later, *death])
    assert found.cause == "unknown"
    assert found.evidence is not None
    assert "FluxError" in found.evidence.text
    at_start = PREFIX + "ValueError: block_size (9) must be one of 8, 16"
    assert diagnose([VERSION, at_start, DEAD]).cause == "bad_argument"


def test_a_stall_is_a_degradation_until_the_engine_dies_of_it() -> None:
    stall = "(EngineCore pid=7) INFO 11-23 21:00:00 [shm_broadcast.py:1] No available shared memory"
    lines = [VERSION, READY, stall + " broadcast block found in 60 seconds."]
    assert (diagnose(lines).cause, diagnose(lines).severity) == ("worker_stall", Severity.DEGRADED)
    assert (diagnose([*lines, DEAD]).cause, diagnose([*lines, DEAD]).severity) == (
        "worker_stall",
        Severity.FATAL,
    )


def test_the_last_run_of_a_file_speaks() -> None:
    failed, served = recording("kv_cache_too_small"), recording("ordered_stop")
    assert diagnose([*failed, *served]).cause == "healthy"
    found = diagnose([*served, *failed])
    assert found.cause == "kv_cache_too_small"
    assert found.evidence is not None
    assert found.evidence.line > len(served)


def test_the_logo_begins_a_run_too() -> None:
    logo = (
        "(APIServer pid=1) INFO 02-15 20:07:03 [utils.py:325]  ▄▄ ▄█ █     █ ▀▄▀ █  version 0.15.1"
    )
    arguments = "(APIServer pid=1) INFO 02-15 20:07:03 [utils.py:261] non-default args: {'port': 1}"
    failed = [logo, arguments, *[PREFIX + f"line {at}" for at in range(9)], PREFIX + OOM, DEAD]
    assert diagnose(failed).cause == "weights_oom"
    assert diagnose([*failed, logo, arguments, READY]).cause == "healthy"
    assert diagnose([*failed, logo, arguments]).cause == "weights_oom"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda line: f"2026-01-01T00:00:00.123456789Z stdout F {line}",
        lambda line: f"vllm-1  | {line}",
        lambda line: f"Nov 23 20:58:53 host vllm[123]: {line}",
        lambda line: json.dumps({"log": line + "\n", "stream": "stdout"}),
        lambda line: f"\x1b[1;36m{line}\x1b[0m\r\n",
        lambda line: f"> {line}",
    ],
    ids=["kubernetes", "compose", "journald", "docker", "terminal", "quoted"],
)
@pytest.mark.parametrize("name", ["kv_cache_too_small", "truncated_shard", "ordered_stop"])
def test_collectors_change_nothing(name: str, wrap: object) -> None:
    assert callable(wrap)
    plain = diagnose(recording(name))
    found = diagnose([wrap(line) for line in recording(name)])
    assert (found.cause, found.severity) == (plain.cause, plain.severity)
    if plain.evidence and found.evidence:
        assert found.evidence.line == plain.evidence.line


@pytest.mark.parametrize("name", ["kv_cache_too_small", "truncated_shard_json", "hub_offline"])
def test_newest_first_changes_nothing(name: str) -> None:
    lines = recording(name)
    forward, backward = diagnose(lines), diagnose(lines[::-1])
    assert backward.cause == forward.cause
    assert backward.evidence is not None
    assert forward.evidence is not None
    assert backward.evidence.text == forward.evidence.text


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["kv_cache_too_small", "truncated_shard", "tensor_parallel_3"])
def test_hard_wraps_change_nothing(name: str, width: int) -> None:
    wrapped = [
        line[at : at + width]
        for line in recording(name)
        for at in range(0, max(len(line), 1), width)
    ]
    found = diagnose(wrapped)
    assert found.cause == diagnose(recording(name)).cause
    assert found.evidence is not None
    assert found.evidence.text == wrapped[found.evidence.line - 1]


def test_every_pattern_compiles_and_has_an_anchor() -> None:
    rules = rule_book().rules
    for rule in rules:
        assert rule.severity in ("fatal", "degraded")
        assert rule.serving in ("ignore", "degraded", "fatal")
        assert rule.remedy
        assert "{" not in rule.plain
        for pattern in (*rule.match, *rule.veto, *rule.raised_in):
            re.compile(pattern)
        for pattern in rule.match:
            assert len(anchor(pattern)) >= 5, (rule.cause, pattern)


def test_every_figure_of_a_template_can_come_from_a_pattern() -> None:
    added = {"port", "model", "utilization", "fewer_seqs", "fitting_tp"}
    for rule in rule_book().rules:
        known = added | {name for each in rule.match for name in re.findall(r"\?P<(\w+)>", each)}
        used = {
            name
            for template in (rule.message, rule.remedy, *rule.flags)
            for name in re.findall(r"{(\w+)}", template)
        }
        assert used <= known, (rule.cause, used - known)


def test_ten_thousand_lines_are_read_to_the_end() -> None:
    served = [
        line
        for at in range(4950)
        for line in (
            f"(APIServer pid=1) INFO 11-23 21:00:12 [loggers.py:248] Engine 000: Avg prompt"
            f" throughput: {at}.1 tokens/s, Running: 1 reqs, GPU KV cache usage: {at % 90}.1%",
            f'INFO:     127.0.0.1:{at} - "POST /v1/completions HTTP/1.1" 500 Internal Server Error',
        )
    ]
    lines = [VERSION, READY, *served, *recording("engine_core_killed")[-30:]]
    found = diagnose(lines)
    assert found.severity is Severity.FATAL
