"""Writes to the terminal for as long as there is one.

Textual's thread for output dies of the first write that fails; its queue fills, and what writes
next, the orderly end of the console too, waits for ever.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any


class UntilGone:
    """The file of a terminal; once that has gone, what is written goes nowhere."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
