"""Why a server went away: its log read once it is dead, and what the kernel says of its end."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

from vconsole.engine import failures
from vconsole.supervisor.logs.log_parts import live_begin, live_chunks
from vconsole.supervisor.logs.log_reading import live_lines
from vconsole.supervisor.logs.log_secrets import redactor_of
from vconsole.supervisor.model import Failure

# A start prints some hundred lines; a server that served for weeks prints much that matters little.
TAIL_BYTES = 4 << 20


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
    lines, first_line = _lines_of_run(log_file, run_offset_bytes)
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
    )


def _lines_of_run(log_file: Path, offset_bytes: int) -> tuple[list[str], int]:
    """The lines of the run (its last 4 MiB), and the number in the file of the first of them."""
    try:
        live = live_begin(log_file)
        begin = max(offset_bytes, log_file.stat().st_size - TAIL_BYTES, live)
        before = sum(chunk.count(b"\n") for chunk in live_chunks(log_file, live, begin))
        return list(live_lines(log_file, begin)), before + 1
    except OSError:
        return [], 1


def _how_it_ended(returncode: int | None, was_ready: bool) -> str:
    when = "while serving" if was_ready else "before it was ready"
    if returncode is None:
        return f"vLLM ended {when}"
    if returncode < 0:
        return f"vLLM was ended by {signal.Signals(-returncode).name} {when}"
    return f"vLLM exited with code {returncode} {when}"
