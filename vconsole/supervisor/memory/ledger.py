"""From a start that became ready to its row of the ledger: predicted beside measured."""

from __future__ import annotations

from collections.abc import Mapping

from vconsole.engine.log.start_figures import StartFigures
from vconsole.models.fit import MeasuredStart, wishes_from
from vconsole.models.fit.defaults import default_utilization, version_of
from vconsole.models.fit.plan import Band
from vconsole.models.on_disk import folder_of, identity_of
from vconsole.supervisor.servers.record import Launch, Run


def measured_start(
    launch: Launch, run: Run, figures: StartFigures, environment: Mapping[str, str]
) -> MeasuredStart:
    """The row; what this version of vLLM, or this back-end, does not print is None.

    `environment` says where the Hub's cache is. Looks at the model's folder, so not for a loop.
    """
    card, plan = launch.card, launch.plan
    wishes = wishes_from(launch.flags)
    default = default_utilization(version_of(launch.engine_version))
    folder = folder_of(launch.model, environment)
    on_cpu = launch.engine_device == "cpu"
    return MeasuredStart(
        model=launch.model,
        flags=launch.flags,
        engine_version=launch.engine_version,
        card=card.name if card else launch.engine_device or "unknown",
        card_total_bytes=card.total_bytes if card else None,
        at=run.started_at.isoformat(timespec="seconds"),
        weights_bytes=figures.weights_bytes,
        peak_activation_bytes=figures.peak_activation_bytes,
        cuda_graph_bytes=figures.cuda_graph_bytes,
        kv_cache_bytes=figures.kv_cache_bytes,
        kv_cache_tokens=figures.kv_cache_tokens,
        max_model_len=figures.max_model_len or run.max_model_len,
        max_concurrency=figures.max_concurrency,
        utilization=None if on_cpu else wishes.gpu_memory_utilization or default,
        phases_s=tuple((phase.name, phase.seconds or 0.0) for phase in run.phases),
        predicted_weights_bytes=_value(plan.weights_bytes) if plan else None,
        predicted_kv_cache_bytes=_value(plan.kv_cache_bytes) if plan else None,
        predicted_kv_cache_tokens=_value(plan.kv_cache_tokens) if plan else None,
        identity=identity_of(folder) if folder else None,
    )


def _value(band: Band | None) -> int | None:
    return band.value if band else None
