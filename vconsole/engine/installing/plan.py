"""What an installation would do, decided and checked before anything is fetched or written."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from vconsole import paths
from vconsole.engine.find import installed_engine
from vconsole.engine.installing.builds import Build, cpu_build, cuda_build
from vconsole.engine.installing.driver import GpuFacts, judge
from vconsole.engine.installing.package_index import PackageIndex, opened_index
from vconsole.engine.installing.pythons import inspect_python, require_suitable
from vconsole.errors import ExitCode, VConsoleError

GB = 10**9


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """What the user asked for; None (and an empty device) lets the plan decide."""

    device: str | None = None
    version: str | None = None
    python: Path | None = None
    use_uv: bool = False
    torch_index: str | None = None


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """One installation: `build` into `path` with `python`, and what is worth saying about it."""

    build: Build
    path: Path
    python: Path
    python_version: str
    driver: str
    disk_free_bytes: int
    uv: Path | None = None
    torch_index: str | None = None
    installed: bool = False

    @property
    def needed_bytes(self) -> int:
        """Free disk that the installation takes at its peak: fetched wheels beside the result."""
        return 0 if self.installed else self.build.fetch_bytes + self.build.disk_bytes

    @property
    def lines(self) -> tuple[str, ...]:
        """The plan in words, a line for each fact."""
        build = self.build
        return (
            f"vLLM {build.version} for {build.device.upper()}",
            f"  into    {self.path}" + (" (already there: it is only checked)" * self.installed),
            f"  python  {self.python_version} ({self.python}), with {'uv' if self.uv else 'pip'}",
            f"  driver  {self.driver}",
            f"  fetch   about {build.fetch_bytes / GB:.1f} GB, less what pip has in its cache",
            f"  disk    about {build.disk_bytes / GB:.1f} GB, {self.needed_bytes / GB:.1f} GB "
            f"while it installs; {self.disk_free_bytes / GB:.1f} GB free",
            *(f"  note    {note}" for note in build.notes),
        )


def make_plan(request: InstallRequest, gpu: GpuFacts | None) -> InstallPlan:
    """Plan an installation; what cannot work is refused here with a `VConsoleError`.

    `gpu` is what the host's NVIDIA driver says, None without a usable one. Takes a few seconds,
    because the package index is asked.
    """
    if request.device == "cuda" and gpu is None:
        raise VConsoleError(
            "the CUDA build needs a usable NVIDIA driver, and this host has none",
            "install the driver until nvidia-smi works, or take the CPU build: --cpu",
        )
    python = inspect_python(request.python or Path(sys.executable))
    require_suitable(python, request.use_uv)
    uv = _uv() if request.use_uv else None
    with opened_index(python, uv, request.torch_index) as index:
        build, driver = _choose(request, gpu, index)
    path = paths.engines_dir() / f"{build.version}-{build.device}"
    plan = InstallPlan(
        build=build,
        path=path,
        python=python.path,
        python_version=python.words,
        driver=driver,
        disk_free_bytes=free_bytes(path),
        uv=uv,
        torch_index=request.torch_index,
        installed=installed_engine(path) is not None,
    )
    require_disk(plan)
    return plan


def require_disk(plan: InstallPlan) -> None:
    """Refuse a plan for which the disk is too small."""
    if plan.needed_bytes > plan.disk_free_bytes:
        raise VConsoleError(
            f"vLLM {plan.build.version} for {plan.build.device.upper()} needs "
            f"{plan.needed_bytes / GB:.1f} GB free while it installs; {plan.path.parent} has "
            f"{plan.disk_free_bytes / GB:.1f} GB",
            "free some disk, or set XDG_DATA_HOME to a folder on a larger one",
        )


def free_bytes(path: Path) -> int:
    """Free disk for `path`, which need not exist yet."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _choose(
    request: InstallRequest, gpu: GpuFacts | None, index: PackageIndex
) -> tuple[Build, str]:
    """The build to install, and what is to be said of the driver."""
    driver = judge(gpu, None).words
    if request.device != "cpu" and gpu is not None:
        build = cuda_build(index, request.version)
        verdict = judge(gpu, build.cuda)
        if verdict.usable:
            return build, verdict.words
        if request.device == "cuda":
            raise VConsoleError(
                f"vLLM {build.version} cannot run here: {verdict.words}",
                "update the driver, name an older vLLM with --version, or take --cpu",
            )
        driver = f"{verdict.words}; hence the CPU build"
    return cpu_build(index, request.version, torch_elsewhere=request.use_uv), driver


def _uv() -> Path:
    found = shutil.which("uv")
    if found is None:
        raise VConsoleError(
            "uv is not on PATH",
            "install it (pip install uv), or leave out --uv and pip is used",
            ExitCode.USAGE,
        )
    return Path(found)
