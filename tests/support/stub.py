"""The stub server in C of the benchmarks, built by gcc on first use, as a block."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "bench" / "stub" / "stub.c"


@cache
def built_stub() -> Path:
    """The stub's program; every run of the tests builds its own."""
    made = Path(tempfile.mkdtemp(prefix="vconsole-stub-")) / "stub"
    subprocess.run(["gcc", "-O2", "-o", str(made), str(SOURCE)], check=True)
    return made


class Stub:
    """A stub that can be killed and started again at the same address, counting from nothing."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self._program = subprocess.Popen(
            [str(built_stub()), str(port), *options], stdout=subprocess.PIPE, text=True
        )
        assert self._program.stdout is not None
        self.port = int(self._program.stdout.readline())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._program.kill()
        self._program.wait()
        assert self._program.stdout is not None
        self._program.stdout.close()

    def again(self, *options: str) -> Stub:
        """Another one in place of this one, which has been killed."""
        return Stub(*options, port=self.port)


@contextmanager
def stub(*options: str) -> Iterator[str]:
    """The URL of a stub with these options, for as long as the block runs."""
    program = Stub(*options)
    try:
        yield program.url
    finally:
        program.kill()
