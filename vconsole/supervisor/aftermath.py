"""Why a server went away: its log read once it is dead, and what the kernel says of its end."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

from vconsole.engine import failures
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
    return Failure(
        cause=cause,
        message=message,
        at=datetime.now(UTC),
        remedy=remedy or "`vconsole logs` shows what it printed",
        retryable=diagnosis.retryable,
        evidence_line=first_line + evidence.line - 1 if evidence else None,
        evidence_text=evidence.text if evidence else None,
        suggested_flags=diagnosis.suggested_flags,
    )


def _lines_of_run(log_file: Path, offset_bytes: int) -> tuple[list[str], int]:
    """The lines of the run (its last 4 MiB), and the number in the file of the first of them."""
    try:
        with log_file.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(offset_bytes, size - TAIL_BYTES)
            file.seek(0)
            before = _count_newlines(file.read(begin))
            text = file.read()
    except OSError:
        return [], 1
    return text.decode(errors="replace").split("\n"), before + 1


def _count_newlines(content: bytes) -> int:
    return content.count(b"\n")


def _how_it_ended(returncode: int | None, was_ready: bool) -> str:
    when = "while serving" if was_ready else "before it was ready"
    if returncode is None:
        return f"vLLM ended {when}"
    if returncode < 0:
        return f"vLLM was ended by {signal.Signals(-returncode).name} {when}"
    return f"vLLM exited with code {returncode} {when}"
