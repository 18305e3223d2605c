"""Checks of the engine: driver, vLLM, its Python, FlashInfer."""

from __future__ import annotations

import re

from vconsole.engine.find import INSTALL_REMEDY, Engine
from vconsole.engine.installing.driver import judge
from vconsole.supervisor.doctor.check import Finding, Fix, State, not_applicable, ok, unknown
from vconsole.supervisor.doctor.online import PACKAGES
from vconsole.supervisor.doctor.scene import Scene

# What vLLM's own metadata allows (requires-python of 0.32).
PYTHONS = ((3, 10), (3, 14))
PYTHON_FOLDER = re.compile(r"python(?P<major>3)\.(?P<minor>\d+)\Z")
# vLLM 0.32: vllm/utils/flashinfer.py says the first; samplers and attention backends the others.
DISABLED = "FlashInfer kernels are disabled"
USED = re.compile(
    r"Using (?:FLASHINFER|FlashInfer)(?:_MLA)? (?:attention )?backend"
    r"|Using FlashInfer (?:for top-p|MLA|autotune|[\w-]+ for eligible)",
    re.IGNORECASE,
)
UNAVAILABLE = re.compile(r"FlashInfer top-p/top-k sampling (?:unavailable|disabled)[^.]*")
FOR_CARDS_ONLY = "FlashInfer is for NVIDIA cards, and this engine does not run on one"


def driver(scene: Scene) -> Finding:
    """The driver and its CUDA against the engine's build."""
    if scene.engine is None:
        return unknown("without an engine there is nothing to compare with", INSTALL_REMEDY)
    if scene.engine.device != "cuda":
        if scene.gpu is None:
            return not_applicable(f"{scene.gpu_note or 'no NVIDIA card'}; the engine needs none")
        return Finding(
            State.WARNING,
            f"{scene.gpu.name} lies idle: the engine is the {scene.engine.device.upper()} build",
            "vconsole engine install --cuda",
            "expected: tens of times the tokens per second",
        )
    verdict = judge(scene.gpu, _cuda_of(scene.engine))
    if verdict.usable:
        return ok(verdict.words)
    detail = scene.gpu_note or verdict.words
    return Finding(State.BAD, detail, "install or update the driver until nvidia-smi works")


def engine(scene: Scene) -> Finding:
    if scene.engine is None:
        return Finding(State.BAD, scene.engine_error or "no vLLM is installed", INSTALL_REMEDY)
    found = scene.engine
    detail = f"vLLM {found.version} ({found.device}) in {found.path}"
    runs = scene.server.engine_version if scene.server else None
    if runs and runs != found.version:
        return Finding(
            State.WARNING,
            f"{detail}; the running server still has {runs}",
            "vconsole restart   (moves it to the current engine)",
        )
    return ok(detail)


def python(scene: Scene) -> Finding:
    if scene.engine is None:
        return not_applicable("no engine")
    version = _python_version(scene.engine)
    if version is None:
        return unknown(f"the version of {scene.engine.python} is not known")
    words = f"Python {version[0]}.{version[1]}, {scene.engine.python}"
    if PYTHONS[0] <= version < PYTHONS[1]:
        return ok(words)
    remedy = "vconsole engine install --python PYTHON   (3.10 to 3.13)"
    return Finding(State.BAD, f"{words}, which vLLM does not support", remedy)


def flashinfer(scene: Scene) -> Finding:
    """Installed, and its distributions of one version: FlashInfer refuses to load otherwise."""
    if not _is_cuda(scene):
        return not_applicable(FOR_CARDS_ONLY)
    assert scene.engine is not None
    found = scene.engine.flashinfer
    if found.python is None:
        return Finding(
            State.BAD,
            "flashinfer-python is missing, which vLLM pins",
            "vconsole engine install --cuda   (mends this engine); never `pip install flashinfer`",
            "expected: vLLM's fast sampler and, on Hopper and newer, its attention kernels",
        )
    versions = {
        "flashinfer-python": found.python,
        "flashinfer-cubin": found.cubin,
        "flashinfer-jit-cache": found.jit_cache,
    }
    there = {name: version for name, version in versions.items() if version}
    words = ", ".join(f"{name} {version}" for name, version in there.items())
    if len({version.partition("+")[0] for version in there.values()}) > 1:
        return Finding(
            State.BAD,
            f"versions differ, so FlashInfer refuses to load: {words}",
            _kernels_command(scene.engine),
            fix=_kernels_fix(scene.engine),
        )
    return ok(words)


def flashinfer_kernels(scene: Scene) -> Finding:
    """Precompiled kernels, or a toolchain to compile them: else vLLM leaves FlashInfer out."""
    if not _is_cuda(scene) or scene.engine is None or scene.engine.flashinfer.python is None:
        return not_applicable(FOR_CARDS_ONLY if not _is_cuda(scene) else "FlashInfer is missing")
    found, gain = scene.engine.flashinfer, _gain(scene)
    if found.cubin:
        more = "" if found.jit_cache else "; without flashinfer-jit-cache a few compile at a start"
        return ok(f"precompiled (flashinfer-cubin {found.cubin}){more}", gain)
    fix, command = _kernels_fix(scene.engine), _kernels_command(scene.engine)
    if scene.condition.nvcc and scene.condition.ninja:
        detail = f"none precompiled; compiled at first use with {scene.condition.nvcc}"
        return Finding(State.WARNING, detail, command, "expected: minutes less at a start", fix)
    tools = {"nvcc": scene.condition.nvcc, "ninja": scene.condition.ninja}
    lacking = " and ".join(name for name, path in tools.items() if path is None)
    return Finding(
        State.BAD,
        f"none precompiled and no {lacking} here: vLLM runs without FlashInfer",
        command,
        gain or "expected: a faster sampler, and faster attention from Hopper on",
        fix,
    )


def flashinfer_used(scene: Scene) -> Finding:
    """What the running server's log says of it."""
    if not scene.on_cuda:
        return not_applicable(FOR_CARDS_ONLY)
    if scene.server is None:
        return not_applicable("no server runs")
    if not scene.said:
        return unknown("the running server's log of its start is not there", "vconsole restart")
    for line in scene.said:
        if DISABLED in line or UNAVAILABLE.search(line):
            remedy = "vconsole doctor --fix, then vconsole restart"
            return Finding(State.WARNING, f"the log says: {line}", remedy, _gain(scene))
    used = next((line for line in scene.said if USED.search(line)), None)
    if used:
        return ok(f"the log says: {used}", _gain(scene))
    return unknown("the running server's log does not mention FlashInfer")


def newer_engine(scene: Scene) -> Finding:
    if scene.online is None:
        return not_applicable("not asked: vconsole doctor --online")
    if scene.engine is None or scene.online.newest is None:
        return unknown(scene.online.newest_detail)
    if _release(scene.online.newest) <= _release(scene.engine.version):
        return ok(f"{scene.engine.version} is the newest {PACKAGES[scene.engine.device]}")
    return Finding(
        State.WARNING,
        f"{scene.online.newest} is there, this is {scene.engine.version}",
        "vconsole engine upgrade",
        "measured by the upgrade before it takes over",
    )


def _is_cuda(scene: Scene) -> bool:
    return scene.engine is not None and scene.engine.device == "cuda"


def _gain(scene: Scene) -> str | None:
    found = scene.gains.get("flashinfer-kernels")
    return found.words if found else None


def _kernels_fix(found: Engine) -> Fix:
    command = (*_vllm(found), "download-kernels")
    return Fix(f"install FlashInfer's precompiled kernels into {found.path}", command, True)


def _kernels_command(found: Engine) -> str:
    return f"vconsole doctor --fix   (runs {' '.join(_vllm(found))} download-kernels)"


def _vllm(found: Engine) -> tuple[str, ...]:
    if found.script is not None:
        return (str(found.script),)
    return (str(found.python), "-m", "vllm.entrypoints.cli.main")


def _cuda_of(found: Engine) -> int | None:
    """The CUDA that the engine's torch brings, by the names of its libraries' folders."""
    names = found.path.glob("lib*/python3*/site-packages/nvidia_*_cu*.dist-info")
    numbers = [re.search(r"_cu(\d+)-", folder.name) for folder in names]
    return max((int(match[1]) for match in numbers if match), default=None)


def _python_version(found: Engine) -> tuple[int, int] | None:
    for folder in sorted(found.path.glob("lib*/python3*")):
        if match := PYTHON_FOLDER.fullmatch(folder.name):
            return int(match["major"]), int(match["minor"])
    return None


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
