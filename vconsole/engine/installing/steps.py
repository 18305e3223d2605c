"""Running one command of an installation: its output to a log and, in short, to the user.

Commands die with vconsole, so that a killed installation leaves nothing that still writes.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vconsole.errors import VConsoleError

Report = Callable[[str], None]
TICK_S = 5.0
# prctl(PR_SET_PDEATHSIG = 1, SIGKILL = 9), which lasts through the exec.
DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
)
DISK_FULL_MARKS = ("No space left on device", "Errno 28", "Disk quota exceeded")
# Settings that would send packages elsewhere than into the environment.
MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "VIRTUAL_ENV")
FETCHED = re.compile(
    r"^\s*(?:Downloading|Using cached|Processing) (?:\S*/)?"
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>\d[^-\s]*)\S*\.(?:whl|tar\.gz)"
    r"(?:\s+\((?:(?P<size>\d[^)]*)|from .*)\))?$"
)
UV_FETCHED = re.compile(r"^\s*Downloading (?P<name>[\w-]+) \((?P<size>[^)]*)\)$")
UNPACKING = re.compile(r"^Installing collected packages: (?P<names>.*)$")


@dataclass(frozen=True, slots=True)
class Step:
    """How commands run: where they log, whom they tell, and the lock that they hold open."""

    log: Path
    report: Report
    lock_fd: int

    def run(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        ticking: Callable[[], str | None] = lambda: None,
    ) -> int:
        """Run `command` to its end and return its exit status; Ctrl-C ends it first.

        `ticking` is asked every few seconds without output for something to tell.
        """
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                [sys.executable, "-I", "-c", DIE_WITH_PARENT, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(env),
                pass_fds=(self.lock_fd,),
            ) as process,
        ):
            log.write(f"$ {' '.join(command)}\n".encode())
            try:
                assert process.stdout is not None
                for line in _lines(process.stdout, log):
                    told = ticking() if line is None else in_short(line)
                    if told:
                        self.report(told)
            except BaseException:
                process.kill()
                raise
            return process.wait()

    def require(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        ticking: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Run `command`; a failure is a `VConsoleError` with the log's own last error."""
        if self.run(command, env, ticking) != 0:
            raise self.failure()

    def failure(self) -> VConsoleError:
        """What the log says went wrong last."""
        tail = self.log.read_text("utf-8", "replace")[-20_000:]
        if any(mark in tail for mark in DISK_FULL_MARKS):
            return disk_full(self.log.parent)
        lines = [line.strip() for line in tail.splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith("error")]
        last = (errors or lines or ["it said nothing"])[-1]
        return VConsoleError(f"the installation failed: {last}", f"its log: {self.log}")


def disk_full(folder: Path) -> VConsoleError:
    """The error for a disk that filled up under `folder`."""
    return VConsoleError(
        f"the disk of {folder} is full",
        "free some disk, or set XDG_DATA_HOME to a folder on a larger one, and install again",
    )


def in_short(line: str) -> str | None:
    """What a line of pip's or uv's output is worth telling, or None.

    pip: `Downloading NAME-VERSION-….whl (60.3 MB)`, `Using cached …`, `Processing FILE`;
    uv: `Downloading torch (170.2MiB)`. Metadata files are not told.
    """
    if match := UNPACKING.match(line):
        return f"unpacking {match['names'].count(',') + 1} packages"
    if match := FETCHED.match(line):
        size = f" ({match['size']})" if match["size"] else ""
        return f"fetching {match['name'].replace('_', '-')} {match['version']}{size}"
    if match := UV_FETCHED.match(line):
        return f"fetching {match['name']} ({match['size']})"
    return None


def pip_environment(**extra: str) -> dict[str, str]:
    """The environment for pip and uv: the user's own settings, less what misleads them."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    # `user = true` in pip's settings fails inside an environment; a prompt would wait for ever.
    return (
        kept | {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | extra
    )


def _lines(output: IO[bytes], log: IO[bytes]) -> Iterator[str | None]:
    """Lines as they come, copied to `log`; None at every tick without one."""
    rest = b""
    while True:
        if not select.select([output], [], [], TICK_S)[0]:
            yield None
            continue
        chunk = os.read(output.fileno(), 65536)
        if not chunk:
            break
        log.write(chunk)
        log.flush()
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
