"""A long command that has to leave things in order: whatever ends it politely is a Ctrl-C.

A terminal that hung up takes no more words, so they go nowhere instead of ending the command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

POLITE = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP raise `KeyboardInterrupt`."""
    before = {number: signal.signal(number, _interrupt) for number in POLITE}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
    raise KeyboardInterrupt
