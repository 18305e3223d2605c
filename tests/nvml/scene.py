"""Building the stand-in for libnvidia-ml.so.1 and setting its scene, from files and live."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LIBRARY = "libnvidia-ml.so.1"
VARIABLE = "NVML_STAND_IN_SCENE"


def build(folder: Path) -> Path:
    """Compile the stand-in into `folder`, under the name by which the real one is looked for."""
    made = folder / LIBRARY
    flags = ("-O1", "-shared", "-fPIC", "-pthread", f"-Wl,-soname,{LIBRARY}", "-Wall", "-Werror")
    subprocess.run(["gcc", *flags, "-o", str(made), str(HERE / "stand_in.c")], check=True)
    return made


@cache
def loaded(library: Path) -> ctypes.CDLL:
    """The stand-in in this process: pynvml's own `dlopen` finds it then by its soname.

    It stays for good, but without a scene it says what is so on a host without a driver.
    """
    return ctypes.CDLL(str(library))


class Scene:
    """A scene on disk; each change replaces the file whole, as a reader may look at any moment."""

    def __init__(self, path: Path, library: Path) -> None:
        self.path = path
        self._library = library
        self.text = ""

    def play(self, name: str, **pids: int) -> None:
        """Set the scene of that name from `scenes/`, its `{who}` being the pids given."""
        self.write((HERE / "scenes" / f"{name}.txt").read_text().format(**pids))

    def write(self, text: str) -> None:
        temporary = self.path.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.path)
        self.text = text

    def change(self, old: str, new: str) -> None:
        """Change a part of the scene while it is played."""
        assert old in self.text, f"{old!r} is not in the scene"
        self.write(self.text.replace(old, new))

    @property
    def variables(self) -> dict[str, str]:
        """What a new process needs to see this scene."""
        return {VARIABLE: str(self.path), "LD_LIBRARY_PATH": str(self._library.parent)}

    @property
    def opened(self) -> int:
        """How many `nvmlInit` of this process have no `nvmlShutdown` yet."""
        return int(loaded(self._library).nvml_stand_in_opened())

    @property
    def opened_ever(self) -> int:
        return int(loaded(self._library).nvml_stand_in_opened_ever())


@contextmanager
def processes_named(folder: Path, *names: str, **more: object) -> Iterator[dict[str, int]]:
    """Processes that the kernel knows by these names, as pids by name with `_` for `-`."""
    started = []
    for name in names:
        program = folder / name
        if not program.exists():
            program.symlink_to("/bin/sleep")
        started.append(subprocess.Popen([str(program), "600"], **more))  # type: ignore[call-overload]
    try:
        yield {
            name.lower().replace("-", "_"): one.pid
            for name, one in zip(names, started, strict=True)
        }
    finally:
        for one in started:
            one.kill()
            one.wait()
