"""Calls that may take their time, off the loop: each in a daemon thread, its result as a message.

Daemon threads and not Textual's workers: the loop's end waits for a worker's thread, and leaving
the console must not wait for a supervisor that hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.tui.messages import VerbRefused


def in_background(name: str, target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def deliver(pump: MessagePump, message: Message) -> bool:
    """Post from a thread; False where the receiver is gone, as at the end of the console."""
    try:
        return pump.post_message(message)
    except RuntimeError:
        return False


def send_in_background(
    screen: MessagePump, app: MessagePump, verb: str, call: Callable[[], Message]
) -> None:
    """Deliver what `call` returns to the screen; what it refuses is said by the app."""

    def run() -> None:
        try:
            deliver(screen, call())
        except VConsoleError as error:
            deliver(app, VerbRefused(verb, error))
        except OSError as error:
            wrong = VConsoleError(str(error), "see whether the disk is full or read-only")
            deliver(app, VerbRefused(verb, wrong))

    in_background(verb, run)
