"""The table of checks, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vconsole.supervisor.doctor import card_checks, engine_checks, host_checks, server_checks
from vconsole.supervisor.doctor.check import Check, Examination, Finding, scored
from vconsole.supervisor.doctor.scene import Scene


@dataclass(frozen=True, slots=True)
class Row:
    """A check: its name for scripts, its title for people, and whether it counts for the score."""

    name: str
    title: str
    look: Callable[[Scene], Finding]
    optimisation: bool = False


TABLE = (
    Row("driver", "driver and CUDA", engine_checks.driver),
    Row("engine", "engine", engine_checks.engine),
    Row("python", "engine's Python", engine_checks.python),
    Row("flashinfer", "FlashInfer", engine_checks.flashinfer),
    Row("flashinfer-kernels", "FlashInfer kernels", engine_checks.flashinfer_kernels, True),
    Row("flashinfer-used", "FlashInfer used", engine_checks.flashinfer_used, True),
    Row("newer-engine", "newer engine", engine_checks.newer_engine),
    Row("cuda-graphs", "CUDA graphs", server_checks.cuda_graphs, True),
    Row("prefix-caching", "prefix caching", server_checks.prefix_caching, True),
    Row("chunked-prefill", "chunked prefill", server_checks.chunked_prefill, True),
    Row("memory-utilization", "memory share", server_checks.memory_utilization, True),
    Row("max-num-seqs", "requests at once", server_checks.max_num_seqs, True),
    Row("port", "port", server_checks.port),
    Row("exposure", "exposure", server_checks.exposure),
    Row("cards", "cards", card_checks.cards),
    Row("tenants", "tenants", card_checks.tenants, True),
    Row("card-processes", "who holds what", card_checks.unread),
    Row("persistence-mode", "persistence mode", card_checks.persistence_mode, True),
    Row("pcie-link", "PCIe link", card_checks.pcie_link, True),
    Row("models-disk", "disk for models", host_checks.models_disk),
    Row("logs-disk", "disk for logs", host_checks.logs_disk),
    Row("memory", "memory", host_checks.memory),
    Row("swap", "swap", host_checks.swap),
    Row("file-limit", "open files", host_checks.file_limit),
    Row("process-limit", "processes", host_checks.process_limit),
    Row("shared-memory", "shared memory", host_checks.shared_memory),
    Row("clock", "clock", host_checks.clock),
    Row("linger", "logout", host_checks.linger),
    Row("hub", "Hub", host_checks.hub),
)


def examine(scene: Scene) -> Examination:
    """Every check of the table on this scene."""
    return scored(
        tuple(_checked(row, row.look(scene), scene) for row in TABLE),
        scene.server.name if scene.server else None,
    )


def _checked(row: Row, found: Finding, scene: Scene) -> Check:
    """With what its fix brought here, where that was measured and nothing is expected of it now."""
    measured = scene.gains.get(row.name)
    return Check(
        name=row.name,
        title=row.title,
        status=found.status,
        detail=found.detail,
        remedy=found.remedy,
        fixable=found.fix is not None,
        gain=found.gain or (measured.words if measured else None),
        optimisation=row.optimisation,
        fix=found.fix,
    )
