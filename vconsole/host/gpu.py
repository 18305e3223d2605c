"""NVIDIA cards through NVML: what each holds, does and draws, with the processes on it.

Every field may be unsupported on a card and is None then. Not run on CUDA yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psutil
import pynvml

from vconsole.host.readings import Gpu, GpuProcess, GpuReading
from vconsole.host.vllm_processes import user_name

THROTTLE_REASONS = {
    "power cap": pynvml.nvmlClocksEventReasonSwPowerCap,
    "hardware slowdown": pynvml.nvmlClocksThrottleReasonHwSlowdown,
    "thermal": pynvml.nvmlClocksEventReasonSwThermalSlowdown,
    "hardware thermal": pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
    "power brake": pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
}


class GpuReader:
    """Keeps NVML open between readings; a missing driver is an ordinary answer."""

    def __init__(self) -> None:
        self._open = False

    def read(
        self,
        owned_pids: frozenset[int] = frozenset(),
        foreign_pids: frozenset[int] = frozenset(),
    ) -> GpuReading:
        """Read all cards; `owned_pids` are marked as ours, `foreign_pids` as another vLLM's."""
        owners = dict.fromkeys(foreign_pids, "foreign") | dict.fromkeys(owned_pids, "ours")
        try:
            if not self._open:
                pynvml.nvmlInit()
                self._open = True
            count = pynvml.nvmlDeviceGetCount()
            return GpuReading(tuple(_read_card(i, owners) for i in range(count)))
        except pynvml.NVMLError as error:
            self.close()
            return GpuReading(note=_words(error))

    def close(self) -> None:
        if self._open:
            _or_none(pynvml.nvmlShutdown)
            self._open = False


def _words(error: pynvml.NVMLError) -> str:
    known = {
        pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver on this host",
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is installed but not loaded",
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
            "the NVIDIA driver was updated: its library and the loaded module differ until a reboot"
        ),
        pynvml.NVML_ERROR_GPU_IS_LOST: "a GPU is lost: it has fallen off the bus",
    }
    return known.get(error.value, f"NVML says: {error}")


def _read_card(index: int, owners: Mapping[int, str]) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = _or_none(pynvml.nvmlDeviceGetMemoryInfo, handle)
    rates = _or_none(pynvml.nvmlDeviceGetUtilizationRates, handle)
    power_mw = _or_none(pynvml.nvmlDeviceGetPowerUsage, handle)
    limit_mw = _or_none(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return Gpu(
        index=index,
        uuid=_or_none(pynvml.nvmlDeviceGetUUID, handle),
        name=_or_none(pynvml.nvmlDeviceGetName, handle),
        memory_total_bytes=memory.total if memory else None,
        memory_used_bytes=memory.used if memory else None,
        utilization=rates.gpu / 100 if rates else None,
        temperature_c=_or_none(
            pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU
        ),
        power_w=power_mw / 1000 if power_mw is not None else None,
        power_limit_w=limit_mw / 1000 if limit_mw is not None else None,
        throttle=_throttle(handle),
        processes=_processes(handle, owners),
    )


def _throttle(handle: Any) -> tuple[str, ...]:
    bits = _or_none(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
    return tuple(word for word, bit in THROTTLE_REASONS.items() if bits and bits & bit)


def _processes(handle: Any, owners: Mapping[int, str]) -> tuple[GpuProcess, ...]:
    running = _or_none(pynvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
    graphics = _or_none(pynvml.nvmlDeviceGetGraphicsRunningProcesses, handle) or []
    by_pid = {entry.pid: entry.usedGpuMemory for entry in [*graphics, *running]}
    return tuple(_process(pid, used, owners) for pid, used in sorted(by_pid.items()))


def _process(pid: int, used_bytes: int | None, owners: Mapping[int, str]) -> GpuProcess:
    try:
        process = psutil.Process(pid)
        name, user = process.name(), user_name(process.uids().real)
    except psutil.Error:
        name, user = None, None
    owner = owners.get(pid) or ("ollama" if name and "ollama" in name else "other")
    return GpuProcess(pid, name, user, used_bytes, owner)


def _or_none(call: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of an NVML call, or None where the card does not support it."""
    try:
        return call(*arguments)
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
        return None
    except pynvml.NVMLError_NoPermission:
        return None
