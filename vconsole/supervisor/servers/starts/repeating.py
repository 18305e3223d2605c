"""Whether a start is the one that has just failed, and would fail again for the same reason.

A start is told by all that decides it: command, variables, engine, the files that it names (their
sizes and times, so that a mended file is another start), and the free memory in whole GiB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.readings import GpuReading
from vconsole.supervisor.model import Failure
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

GIB = 2**30
# What command, model, engine and memory decide alone: nothing outside them can mend it.
SETTLED = frozenset(
    {"kv_cache_too_small", "weights_oom", "warmup_oom", "max_len_exceeds_model", "bad_argument"}
    | {"corrupt_weights", "weights_mismatch", "invalid_config", "tokenizer_error", "mistral_format"}
    | {"unsupported_arch", "transformers_outdated", "trust_remote_code", "spec_decode_config"}
    | {"tp_not_divisible", "tp_exceeds_gpus", "dtype_unsupported", "quant_unsupported_gpu"}
    | {"invalid_quant_config", "attention_backend_invalid", "no_kernel_image", "lora_rank"}
    | {"lora_error", "chat_template_missing"}
)
MOST_FILES = 500


def fingerprint(prepared: PreparedLaunch, reading: GpuReading) -> str:
    """Equal for two starts that nothing tells apart; reads folders, so call it in a thread."""
    launch = prepared.launch
    parts = [*launch.command, launch.engine, launch.folder or ""]
    parts += [f"{name}={value}" for name, value in sorted(prepared.given_environment.items())]
    parts += [f"{card.index}:{(card.memory_free_bytes or 0) // GIB}" for card in reading.gpus]
    parts += _files(launch.command)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_settled(failure: Failure) -> bool:
    """Whether the same start is bound to fail again."""
    return failure.cause in SETTLED and not failure.retryable


def refuse_repetition(failure: Failure) -> None:
    """Refuse (exit code 5) what has just failed, with what to change."""
    flags = " ".join(failure.suggested_flags)
    change = f"change it: {flags}" if flags else f"change something first: {failure.remedy}"
    raise VConsoleError(
        f"exactly this start has just failed and would fail again: {failure.message}",
        f"{change}; --anyway tries it nevertheless",
        ExitCode.REFUSED,
        kind="failed_before",
    )


def _files(command: Iterable[str]) -> Iterator[str]:
    """Size and time of each file that the command names, and of those in a folder that it names."""
    for word in command:
        path = Path(word.rpartition("=")[2])
        if not path.is_absolute():
            continue
        try:
            inside = sorted(path.iterdir())[:MOST_FILES] if path.is_dir() else []
        except OSError:
            inside = []
        for file in (path, *inside):
            yield _stamp(file)


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return f"{path}: none"
    return f"{path}: {found.st_size} {found.st_mtime_ns}"
