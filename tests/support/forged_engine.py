"""An environment that looks like a CUDA engine to whoever reads names, and runs nothing of vLLM."""

from __future__ import annotations

import sys
from pathlib import Path

VERSIONS = {"vllm": "0.32.0", "torch": "2.13.0", "nvidia_cuda_runtime_cu13": "13.0.96"}


def forge_engine(folder: Path, script: str = "exit 0", **distributions: str) -> Path:
    """Make one; returns its Python. `script` is the shell text of its `vllm`."""
    site = folder / "lib" / "python3.11" / "site-packages"
    for name, version in (VERSIONS | distributions).items():
        (site / f"{name}-{version}.dist-info").mkdir(parents=True)
        (site / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\n")
    (folder / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.symlink_to(sys.executable)
    (folder / "bin" / "vllm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "vllm").chmod(0o755)
    return python
