"""What smoke tests found, across supervisors: the last of each server, the last good to compare.

One small file, written whole. A corrupt one is set aside; one that cannot be written is told in
the log and costs the comparison alone.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.requests.messages import SmokeReport, is_slower
from vconsole.supervisor.files import set_aside, write_atomically

KEPT = 64
# The name under which the whole test is found slower.
WHOLE = "all"
log = logging.getLogger(__name__)
# Two servers may be tested at the same time.
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class SmokeResults:
    """`last` is by the server's name, `good` by model and engine; the newest stand last."""

    last: dict[str, SmokeReport] = field(default_factory=dict)
    good: dict[str, SmokeReport] = field(default_factory=dict)


def results_path() -> Path:
    return paths.state_dir() / "smoke.json"


def load() -> SmokeResults:
    path = results_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=SmokeResults)
    except FileNotFoundError:
        return SmokeResults()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("smoke results are unreadable (%s): kept as %s", error, set_aside(path))
    except OSError as error:
        log.warning("smoke results cannot be read: %s", error)
    return SmokeResults()


def last(server: str) -> SmokeReport | None:
    return load().last.get(server)


def keep(server: str, report: SmokeReport) -> SmokeReport:
    """Remember a result; returns it with what it is compared with."""
    with _writing:
        return _keep(server, report)


def _keep(server: str, report: SmokeReport) -> SmokeReport:
    known = load()
    about = f"{report.model} on {report.engine}"
    compared = compare(report, known.good.get(about))
    good = _with(known.good, about, compared) if compared.passed else known.good
    results = SmokeResults(_with(known.last, server, compared), good)
    try:
        write_atomically(results_path(), msgspec.json.encode(results))
    except OSError as error:
        log.warning("the smoke result cannot be kept: %s", error)
    return compared


def compare(report: SmokeReport, before: SmokeReport | None) -> SmokeReport:
    """The report with the times of an earlier one, and what is slower than then."""
    if before is None:
        return report
    times_ms = {check.name: check.ms for check in before.checks if check.passed}
    checks = tuple(replace(check, before_ms=times_ms.get(check.name)) for check in report.checks)
    slower = [check.name for check in checks if check.slower]
    if report.passed and is_slower(report.seconds * 1000, before.seconds * 1000):
        slower.append(WHOLE)
    return replace(
        report,
        checks=checks,
        before_at=before.at,
        before_seconds=before.seconds,
        slower=tuple(slower),
    )


def _with(known: dict[str, SmokeReport], key: str, report: SmokeReport) -> dict[str, SmokeReport]:
    others = {name: kept for name, kept in known.items() if name != key}
    return dict(list({**others, key: report}.items())[-KEPT:])
