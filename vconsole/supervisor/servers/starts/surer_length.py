"""The length that a failure suggests, less what compiling for it may take from the KV cache.

vLLM names the longest request that the memory of *that* start admits. Another length is compiled
anew, and the memory profiled meanwhile is higher: seen on an H200 with vLLM 0.26 and an 8B model,
6.26 GiB of KV cache for one length and 6.04 for the next, which was 1,900 tokens too long for it.
"""

from __future__ import annotations

from dataclasses import replace

from vconsole.engine.command import command_line
from vconsole.engine.command.flags import options_given
from vconsole.supervisor.model import Failure
from vconsole.supervisor.servers.record import Launch

LENGTH = "--max-model-len"
COMPILING_BYTES = 2**28
LEAST_SHARE = 0.75
BLOCK_TOKENS = 16


def with_surer_length(failure: Failure, launch: Launch) -> Failure:
    """The failure with a length that the next start surely has room for, in flags and remedy.

    As it was where nothing is compiled (a CPU, eager), or the bytes of a token are not known.
    """
    named = command_line.flag(failure.suggested_flags, LENGTH) or ""
    per_token = launch.plan.kv_bytes_per_token if launch.plan else None
    if failure.cause != "kv_cache_too_small" or not named.isdecimal() or not per_token:
        return failure
    if launch.engine_device == "cpu" or "--enforce-eager" in options_given(launch.flags):
        return failure
    surer = str(_less(int(named), per_token.value))
    flags = tuple(surer if word == named else word for word in failure.suggested_flags)
    remedy = failure.remedy and failure.remedy.replace(
        f"{LENGTH} {named}", f"{LENGTH} {surer} ({named} less what compiling anew may take)", 1
    )
    return replace(failure, suggested_flags=flags, remedy=remedy)


def _less(tokens: int, bytes_per_token: int) -> int:
    """In whole blocks; never less than three quarters, since a further failure names it better."""
    surer = max(int(tokens * LEAST_SHARE), tokens - COMPILING_BYTES // max(1, bytes_per_token))
    return max(BLOCK_TOKENS, surer // BLOCK_TOKENS * BLOCK_TOKENS)
