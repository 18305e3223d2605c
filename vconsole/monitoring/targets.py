"""What the exported files depend on: the service level, and where to scrape."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What users were promised: percentiles in milliseconds, the share of failed requests."""

    ttft_p95_ms: float
    itl_p95_ms: float
    error_ratio: float


@dataclass(frozen=True, slots=True)
class Targets:
    """`host:port` of each vLLM, and of the supervisor's own metrics."""

    servers: tuple[str, ...]
    supervisor: str
    level: ServiceLevel
