"""What a server is started with so that it can be put asleep.

vLLM's sleep mode is reached through its development routes. They are served on a Unix socket alone,
by a middleware of ours (`resources/middleware`) that vLLM loads; the public port never has them.
"""

from __future__ import annotations

MIDDLEWARE = "vconsole_sleep.SecondListener"
SOCKET_VARIABLE = "VCONSOLE_SLEEP_SOCKET"
# What every CUDA card and ROCm can and the CPU build refuses (vLLM's is_sleep_mode_available).
SLEEPING_DEVICES = frozenset({"cuda", "rocm", "xpu"})


def sleep_flags(device: str) -> tuple[str, ...]:
    """Flags of a server that may sleep. The CPU build refuses vLLM's own and is only paused."""
    own = ("--enable-sleep-mode",) if device in SLEEPING_DEVICES else ()
    return (*own, "--middleware", MIDDLEWARE)


def may_sleep(command: tuple[str, ...]) -> bool:
    """Whether a server was started so that it can be put asleep."""
    return MIDDLEWARE in command
