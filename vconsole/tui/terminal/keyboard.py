"""Reads the terminal's input: sleeps while no key comes, and survives bytes that are no UTF-8.

Textual 8.2.8 wakes ten times a second, and ends where a rebuilt terminal (tmux after a re-attach)
reports its mouse in the legacy form, whose coordinates are raw bytes.
"""

from __future__ import annotations

import codecs
import os
import re
import selectors
import threading
from contextlib import suppress
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from vconsole.tui.terminal.output import UntilGone

# ESC [ M, then button, column and row, a byte each (xterm's ctlseqs, "X10 compatibility mode").
LEGACY_MOUSE = re.compile(rb"\x1b\[M[\x20-\xff]{3}", re.DOTALL)
READ_BYTES = 4096
ESCAPE_WAIT_S = 0.05


class ConsoleDriver(LinuxDriver):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: Any = UntilGone(self._file)
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._reading = threading.Lock()

    def _get_terminal_size(self) -> tuple[int, int]:
        """What the terminal says; an exported COLUMNS tells for ever how wide it once was."""
        with suppress(OSError):
            width, height = os.get_terminal_size(self.fileno)
            if width and height:
                return width, height
        return super()._get_terminal_size()

    def run_input_thread(self) -> None:
        # A terminal that hangs up sends SIGCONT too, upon which Textual starts a second thread.
        if not self._reading.acquire(blocking=False):
            return
        try:
            self._forget_old_wakes()
            self._read_until_woken()
        finally:
            self._reading.release()

    def _forget_old_wakes(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._woken, READ_BYTES)

    def _read_until_woken(self) -> None:
        parser = XTermParser(self._debug)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                # A lone escape is a key once nothing has followed it for a moment.
                waiting = parser._timeout_time is not None
                ready = {key.fd for key, _ in selector.select(ESCAPE_WAIT_S if waiting else None)}
                if self._woken in ready:
                    return
                if self.fileno in ready and not self._feed(parser, decoder):
                    selector.unregister(self.fileno)
                for event in parser.tick():
                    self.process_message(event)

    def _feed(self, parser: XTermParser, decoder: codecs.IncrementalDecoder) -> bool:
        """Pass on what was typed; False where the terminal has gone."""
        try:
            data = os.read(self.fileno, READ_BYTES)
        except OSError:
            return False
        text = decoder.decode(LEGACY_MOUSE.sub(b"", data))
        for event in parser.feed(text) if text else ():
            self.process_message(event)
        return bool(data)

    def disable_input(self) -> None:
        """End the thread, which Textual then waits for."""
        if self._reading.locked():
            with suppress(BlockingIOError):
                os.write(self._wake, b".")
        super().disable_input()
