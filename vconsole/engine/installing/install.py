"""Installing vLLM into an environment of its own, so that it is there whole or not at all.

A marker stands in the environment until it was checked; what an interrupted installation left
is swept by the next, and a lock keeps two from running at once.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vconsole import paths
from vconsole.engine import environment
from vconsole.engine.find import CURRENT, INSTALLING, PREVIOUS, Engine, installed_engine
from vconsole.engine.installing.check import check_engine, loads
from vconsole.engine.installing.cpu_build import COMPANIONS, supply_vllm_metadata
from vconsole.engine.installing.plan import InstallPlan
from vconsole.engine.installing.steps import Report, Step, disk_full, pip_environment
from vconsole.errors import ExitCode, VConsoleError

LOCK_WAIT_S = 5.0
COMPILING_PROCESSES = 4
REMOVED = ".removed-"


def install_engine(plan: InstallPlan, report: Report, *, is_current: bool = True) -> Engine:
    """Carry out `plan` and return its engine, current unless told otherwise; `report` hears lines.

    An engine that is there already is only checked, and made again if it is broken. Call it from
    a thread that lives as long as the installation: its commands end with that thread.
    """
    with _only_one() as lock_fd:
        _sweep()
        if not (plan.installed and _still_good(plan.path, report)):
            _install(plan, Step(_log_of(plan.path), report, lock_fd))
        if is_current:
            make_current(plan.path)
    engine = installed_engine(plan.path)
    if engine is None:
        raise VConsoleError(f"the engine in {plan.path} vanished", "install it again")
    return engine


def make_current(folder: Path) -> None:
    """Point `current` at an engine's folder, in one step; `previous` keeps the one before."""
    link = folder.parent / CURRENT
    before = os.readlink(link) if link.is_symlink() else folder.name
    if before != folder.name:
        _point(folder.parent / PREVIOUS, before)
    _point(link, folder.name)


def remove_engine(engine: Engine) -> None:
    """Remove an engine that is not current; a server that runs on it must not be left on sand."""
    link = engine.path.parent / CURRENT
    users = _running_on(engine.path)
    if link.is_symlink() and os.readlink(link) == engine.path.name:
        raise VConsoleError(
            f"{engine.path.name} is the current engine",
            "make another current first: vconsole engine use NAME",
            ExitCode.REFUSED,
        )
    if users:
        raise VConsoleError(
            f"{engine.path.name} is in use by process {users[0]}",
            "restart what runs on it first: vconsole restart",
            ExitCode.REFUSED,
        )
    with _only_one():
        _remove(engine.path)


def _running_on(folder: Path) -> list[int]:
    """Processes of ours to see that have files of this environment mapped."""
    found = []
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):
            if f"{folder}/".encode() in maps.read_bytes():
                found.append(int(maps.parent.name))
    return found


def _point(link: Path, target: str) -> None:
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


@dataclass(frozen=True, slots=True)
class _Environment:
    """The environment that is being made, and the commands that fill it."""

    plan: InstallPlan
    step: Step

    @property
    def python(self) -> Path:
        return self.plan.path / "bin" / "python"

    @property
    def site(self) -> Path:
        return environment.site_folders(self.python)[0]

    @property
    def scratch(self) -> Path:
        """Where wheels are unpacked: on the disk that was checked, not in a small /tmp."""
        return self.plan.path / ".scratch"

    def create(self) -> None:
        self.scratch.mkdir()
        command = [str(self.plan.python), "-I", "-m", "venv", str(self.plan.path)]
        if self.plan.uv is not None:
            command = [str(self.plan.uv), "venv", "--allow-existing"]
            command += ["--python", str(self.plan.python), str(self.plan.path)]
        self.step.require(command, pip_environment())

    def install(self, *arguments: str) -> None:
        command = [str(self.python), "-I", "-m", "pip", "install", "--no-compile"]
        command += ["--progress-bar", "off"]
        if self.plan.uv is not None:
            command = [str(self.plan.uv), "pip", "install", "--python", str(self.python)]
            command += self._uv_torch()
        if self.plan.torch_index:
            command += ["--extra-index-url", self.plan.torch_index]
        self.step.require([*command, *arguments], self._env(), self._unpacked)

    def uninstall(self, name: str) -> None:
        command = [str(self.python), "-I", "-m", "pip", "uninstall", "--yes", name]
        if self.plan.uv is not None:
            command = [str(self.plan.uv), "pip", "uninstall", "--python", str(self.python), name]
        self.step.require(command, self._env())

    def compile(self) -> None:
        """Write bytecode, whatever PYTHONDONTWRITEBYTECODE and pip's settings say."""
        jobs = min(COMPILING_PROCESSES, os.cpu_count() or 1)
        command = [str(self.python), "-I", "-m", "compileall", "-q", "-j", str(jobs)]
        # Some packages ship templates that are no Python: its exit status says nothing.
        self.step.run([*command, str(self.site)], self._env())

    def _uv_torch(self) -> list[str]:
        """uv does not read pip's settings: it is told of the wheel that pip found."""
        if self.plan.build.local_wheels is not None:
            return ["--find-links", str(self.plan.build.local_wheels)]
        return ["--torch-backend", "cpu"] if self.plan.build.device == "cpu" else []

    def _env(self) -> dict[str, str]:
        return pip_environment(TMPDIR=str(self.scratch))

    def _unpacked(self) -> str | None:
        done = len(environment.distributions([self.site]))
        return f"{done} packages are in place" if done > 2 else None


def _install(plan: InstallPlan, step: Step) -> None:
    try:
        _start_afresh(plan.path, step)
        _fill(_Environment(plan, step), step.report)
        # A marker that is gone promises that everything else is on the disk.
        os.sync()
        (plan.path / INSTALLING).unlink()
    except BaseException as error:
        step.report("taking away the half-made environment")
        _remove(plan.path)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(plan.path) from error
        raise


def _start_afresh(folder: Path, step: Step) -> None:
    _remove(folder)
    step.log.unlink(missing_ok=True)
    os.close(os.open(step.log, os.O_CREAT | os.O_WRONLY, 0o600))
    folder.mkdir(mode=0o700)
    (folder / INSTALLING).touch()


def _fill(made: _Environment, report: Report) -> None:
    build = made.plan.build
    report(f"making the environment {made.plan.path}")
    made.create()
    report(f"fetching vLLM {build.version} and what it needs")
    made.install(*build.requirements)
    if build.without_dependencies is not None:
        made.install("--no-deps", build.without_dependencies)
    if build.device == "cpu":
        _mend_cpu_build(made, report)
    report("compiling bytecode")
    made.compile()
    report("checking that vLLM imports")
    checked = check_engine(made.python)
    if checked.platform != build.device:
        raise VConsoleError(
            f"this vLLM runs on {checked.platform}, not on {build.device} as planned "
            f"(torch {checked.torch})",
            f"the log of its installation: {made.step.log}",
        )
    shutil.rmtree(made.scratch, ignore_errors=True)


def _mend_cpu_build(made: _Environment, report: Report) -> None:
    installed = environment.distributions([made.site])
    for name in COMPANIONS:
        if name in installed and not loads(made.python, name):
            report(f"taking out {name}, which does not load with this torch")
            made.uninstall(name)
    supply_vllm_metadata(made.site, made.plan.build.version)


def _still_good(folder: Path, report: Report) -> bool:
    report(f"checking the engine in {folder}")
    try:
        check_engine(folder / "bin" / "python")
    except VConsoleError as error:
        report(f"it is broken and made again: {error}")
        return False
    return True


def _sweep() -> None:
    """Remove what interrupted installations and removals left."""
    for marker in paths.engines_dir().glob(f"*/{INSTALLING}"):
        if not marker.parent.is_symlink():
            _remove(marker.parent)
    for folder in paths.engines_dir().glob(f"{REMOVED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove an environment under another name: half of one must never pass for an engine."""
    if folder.exists():
        removed = folder.with_name(f"{REMOVED}{folder.name}")
        shutil.rmtree(removed, ignore_errors=True)
        folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)


def _log_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


@contextmanager
def _only_one() -> Iterator[int]:
    """Hold the lock of installations; its descriptor goes to the commands, which keep it too."""
    file = paths.private_folder(paths.engines_dir()) / ".lock"
    lock_fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock_fd)
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, str(os.getpid()).encode(), 0)
        yield lock_fd
    finally:
        os.close(lock_fd)


def _lock(lock_fd: int) -> None:
    # The commands of a killed installation take a moment to end and let go.
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                break
        time.sleep(0.1)
    holder = os.pread(lock_fd, 20, 0).decode("ascii", "replace") or "?"
    raise VConsoleError(
        f"another installation runs (pid {holder})",
        "wait until it has finished; vconsole engine status shows the result",
        ExitCode.REFUSED,
    )
