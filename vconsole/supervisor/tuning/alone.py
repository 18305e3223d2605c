"""One at a time has a server in hand: whoever brings it from setting to setting holds a lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError


@contextlib.contextmanager
def alone_with(name: str) -> Iterator[None]:
    """A block that has this server to itself; refused (exit code 5) while another has it.

    The lock is the kernel's, so that no death leaves it behind.
    """
    folder = paths.private_folder(paths.private_folder(paths.state_dir()) / "tuning")
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VConsoleError(
                f"another `vconsole tune` or `vconsole prove` has {name} in hand",
                "wait for its end, or end it with Ctrl-C where it runs",
                ExitCode.REFUSED,
                kind="in_hand",
            ) from error
        yield
    finally:
        os.close(descriptor)
