"""Why a server went away: its log read once it is dead, and what the kernel says of its end."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vconsole.engine.log import failures
from vconsole.engine.log.logline import parse
from vconsole.engine.log.redact import Redactor
from vconsole.supervisor.logs.log_reading import lines_of_run
from vconsole.supervisor.logs.log_secrets import redactor_of
from vconsole.supervisor.model import Failure

# Where the log itself tells of memory that could not be had.
TOLD_BY_LOG = re.compile(
    r"allocat|out of memory|bad_alloc|MemoryError|oom[-_ ]?kill|OOMKilled|mmap", re.IGNORECASE
)
CONTEXT_LINES = 1
LONGEST_LINE = 300


def explain_exit(
    log_file: Path | None, run_offset_bytes: int, returncode: int | None, was_ready: bool
) -> Failure:
    """Diagnose the run that begins at `run_offset_bytes`; reads the file, so call it in a thread.

    `returncode` is as of subprocess (negative for a signal), None where it was not our child.
    Without a `log_file`, as of a server that was adopted, nothing can be known of the cause.
    """
    if log_file is None:
        how = _how_it_ended(returncode, was_ready)
        where = "what it printed is where its own starter sent it"
        return Failure("unknown", how, datetime.now(UTC), where)
    try:
        lines, first_line = lines_of_run(log_file, run_offset_bytes)
    except OSError:
        lines, first_line = [], 1
    killed_by = -returncode if returncode is not None and returncode < 0 else None
    diagnosis = failures.diagnose(lines, exit_signal=killed_by)
    evidence = diagnosis.evidence
    cause, message, remedy = diagnosis.cause, diagnosis.message, diagnosis.remedy
    if cause in {"healthy", "unknown"} and evidence is None:
        cause, message, remedy = "unknown", _how_it_ended(returncode, was_ready), None
    redact = redactor_of(log_file)
    return Failure(
        cause=cause,
        message=redact(message),
        at=datetime.now(UTC),
        remedy=remedy or "`vconsole logs` shows what it printed",
        retryable=diagnosis.retryable,
        evidence_line=first_line + evidence.line - 1 if evidence else None,
        evidence_text=redact(evidence.text) if evidence else None,
        suggested_flags=diagnosis.suggested_flags,
        before=_around(lines, evidence.line - 1 - CONTEXT_LINES, CONTEXT_LINES, redact)
        if evidence
        else (),
        after=_around(lines, evidence.line, CONTEXT_LINES, redact) if evidence else (),
    )


def _around(lines: list[str], start: int, count: int, redact: Redactor) -> tuple[str, ...]:
    """Some lines of the log as people read them, each of bounded length."""
    found = lines[max(0, start) : max(0, start + count)]
    return tuple(redact(parse(line).message)[:LONGEST_LINE] for line in found)


def killed_by_whom(failure: Failure, kills_before: int | None, kills_now: int | None) -> Failure:
    """A death that looks like the OOM killer's, held against the kernel's count of its kills.

    A log that tells of memory that could not be had is believed; only a silent death is not.
    """
    if failure.cause != "host_ram_oom" or kills_before is None or kills_now is None:
        return failure
    if kills_now > kills_before:
        counted = "The kernel counts a kill for want of memory since the start."
        return replace(failure, message=f"{failure.message} {counted}")
    if TOLD_BY_LOG.search(failure.evidence_text or ""):
        return failure
    return replace(
        failure,
        cause="killed",
        message="A process of vLLM was killed from outside (SIGKILL). It was not the kernel for "
        "want of memory: its count of such kills did not rise.",
        remedy="See who ended it: somebody by hand, a job scheduler, a container's limit or "
        "systemd (journalctl). A start serves again.",
        retryable=True,
    )


def _how_it_ended(returncode: int | None, was_ready: bool) -> str:
    when = "while serving" if was_ready else "before it was ready"
    if returncode is None:
        return f"vLLM ended {when}"
    if returncode < 0:
        return f"vLLM was ended by {signal.Signals(-returncode).name} {when}"
    return f"vLLM exited with code {returncode} {when}"
