"""One NVIDIA card through NVML: what never changes is read once, what seldom does now and then."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pynvml

from vconsole.host import nvml
from vconsole.host.gpu_processes import ProcessReader
from vconsole.host.readings import Gpu, GpuProcess, MigInstance

SELDOM_S = 10.0
THROTTLE_REASONS = {
    "power cap": pynvml.nvmlClocksEventReasonSwPowerCap,
    "hardware slowdown": pynvml.nvmlClocksThrottleReasonHwSlowdown,
    "thermal": pynvml.nvmlClocksEventReasonSwThermalSlowdown,
    "hardware thermal": pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
    "power brake": pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
}
REASONS = (
    pynvml.nvmlDeviceGetCurrentClocksEventReasons,
    pynvml.nvmlDeviceGetCurrentClocksThrottleReasons,
)
TRANSFERS_PER_CLOCK = 2


class Card:
    """A card that NVML handed out; raises `NVMLError` where the driver as a whole fails."""

    def __init__(self, index: int, processes: ProcessReader) -> None:
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        self._processes = processes
        self.fixed = _fixed(index, self._handle)
        self._seldom = self.fixed
        self._seldom_until_s = 0.0
        self._instances: tuple[tuple[Any, MigInstance], ...] = ()

    def read(self, owners: Mapping[int, str]) -> Gpu:
        """The card now; one that is lost says so in its `state`."""
        try:
            self._read_what_changes_seldom()
            return self._read(owners)
        except pynvml.NVMLError as error:
            if error.value not in nvml.OF_THE_CARD:
                raise
            return replace(self.fixed, state=nvml.OF_THE_CARD[error.value])

    def _read_what_changes_seldom(self) -> None:
        now_s = time.monotonic()
        if now_s < self._seldom_until_s:
            return
        handle = self._handle
        mig_modes = nvml.ask(pynvml.nvmlDeviceGetMigMode, handle)
        self._instances = _instances(handle) if mig_modes and mig_modes[0] else ()
        limit_mw = nvml.ask(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        self._seldom = replace(
            self.fixed,
            power_limit_w=limit_mw / 1000 if limit_mw is not None else None,
            pcie_generation=nvml.ask(pynvml.nvmlDeviceGetCurrPcieLinkGeneration, handle),
            pcie_width=nvml.ask(pynvml.nvmlDeviceGetCurrPcieLinkWidth, handle),
            ecc_corrected_errors=_ecc_errors(handle, pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
            ecc_uncorrected_errors=_ecc_errors(handle, pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
            persistence_mode=_flag(nvml.ask(pynvml.nvmlDeviceGetPersistenceMode, handle)),
            mig_mode=_flag(mig_modes[0]) if mig_modes else None,
        )
        self._seldom_until_s = now_s + SELDOM_S

    def _read(self, owners: Mapping[int, str]) -> Gpu:
        handle = self._handle
        rates = nvml.ask(pynvml.nvmlDeviceGetUtilizationRates, handle)
        power_mw = nvml.ask(pynvml.nvmlDeviceGetPowerUsage, handle)
        energy_mj = nvml.ask(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        sm, memory = pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_MEM
        return replace(
            _with_used(self._seldom, handle),
            utilization=rates.gpu / 100 if rates else None,
            memory_utilization=rates.memory / 100 if rates else None,
            temperature_c=_temperature_c(handle),
            power_w=power_mw / 1000 if power_mw is not None else None,
            energy_j=energy_mj / 1000 if energy_mj is not None else None,
            sm_clock_mhz=nvml.ask(pynvml.nvmlDeviceGetClockInfo, handle, sm),
            memory_clock_mhz=nvml.ask(pynvml.nvmlDeviceGetClockInfo, handle, memory),
            throttle=_throttle(handle),
            mig_instances=tuple(_with_memory(*one) for one in self._instances),
            processes=self._read_processes(owners),
        )

    def _read_processes(self, owners: Mapping[int, str]) -> tuple[GpuProcess, ...]:
        """In MIG mode a card may keep its list to itself, while its instances tell theirs."""
        found = self._processes.read((self._handle,), owners)
        if not found and self._instances:
            found = self._processes.read((handle for handle, _ in self._instances), owners)
        return found or ()


def _fixed(index: int, handle: Any) -> Gpu:
    clock_mhz = nvml.ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_MEM)
    memory = nvml.ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
    ecc_modes = nvml.ask(pynvml.nvmlDeviceGetEccMode, handle)
    return Gpu(
        index=index,
        uuid=nvml.ask(pynvml.nvmlDeviceGetUUID, handle),
        name=nvml.ask(pynvml.nvmlDeviceGetName, handle),
        memory_total_bytes=memory.total if memory else None,
        sm_clock_max_mhz=nvml.ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_SM),
        memory_clock_max_mhz=clock_mhz,
        memory_bandwidth_bytes_per_s=_bandwidth_bytes_per_s(handle, clock_mhz),
        pcie_generation_max=nvml.ask(pynvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
        pcie_width_max=nvml.ask(pynvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
        ecc_enabled=_flag(ecc_modes[0]) if ecc_modes else None,
        compute_capability=nvml.ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle),
    )


def _bandwidth_bytes_per_s(handle: Any, clock_mhz: int | None) -> int | None:
    """Bus width times memory clock times two, as CUDA's deviceQuery sample reckons the peak."""
    bits = nvml.ask(pynvml.nvmlDeviceGetMemoryBusWidth, handle)
    if not bits or not clock_mhz:
        return None
    return int(bits) // 8 * int(clock_mhz) * 1_000_000 * TRANSFERS_PER_CLOCK


def _with_used(card: Gpu, handle: Any) -> Gpu:
    """Used, free and reserved; drivers before 510 count the reserved as used."""
    told_apart = nvml.ask(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    memory = told_apart or nvml.ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
    if memory is None:
        return card
    return replace(
        card,
        memory_used_bytes=memory.used,
        memory_free_bytes=memory.free,
        memory_reserved_bytes=told_apart.reserved if told_apart else None,
    )


def _temperature_c(handle: Any) -> int | None:
    calls = (pynvml.nvmlDeviceGetTemperatureV, pynvml.nvmlDeviceGetTemperature)
    found = nvml.ask_either(calls, handle, pynvml.NVML_TEMPERATURE_GPU)
    return None if found is None else int(found)


def _throttle(handle: Any) -> tuple[str, ...]:
    bits = nvml.ask_either(REASONS, handle) or 0
    return tuple(word for word, bit in THROTTLE_REASONS.items() if bits & bit)


def _ecc_errors(handle: Any, kind: int) -> Any:
    return nvml.ask(pynvml.nvmlDeviceGetTotalEccErrors, handle, kind, pynvml.NVML_VOLATILE_ECC)


def _flag(state: int | None) -> bool | None:
    return None if state is None else bool(state)


def _instances(handle: Any) -> tuple[tuple[Any, MigInstance], ...]:
    most = nvml.ask(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    found = (nvml.ask(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, i) for i in range(most))
    return tuple((one, _instance(one)) for one in found if one is not None)


def _instance(handle: Any) -> MigInstance:
    return MigInstance(
        nvml.ask(pynvml.nvmlDeviceGetUUID, handle), nvml.ask(pynvml.nvmlDeviceGetName, handle)
    )


def _with_memory(handle: Any, instance: MigInstance) -> MigInstance:
    memory = nvml.ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
    if memory is None:
        return instance
    return replace(instance, memory_total_bytes=memory.total, memory_used_bytes=memory.used)
