"""What the tuner found, for people and for scripts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vconsole.cli.output import figure
from vconsole.engine.command.flags import difference
from vconsole.requests.bench.plot import drawn
from vconsole.requests.bench.tables import text_table
from vconsole.supervisor.tuning.deciding import Written
from vconsole.supervisor.tuning.front import Placed, placed, plot
from vconsole.supervisor.tuning.judging import judged
from vconsole.supervisor.tuning.model import Setting, Trial

HEADS = ("", "setting", "tok/s", "TTFT p95", "ITL p95", "E2E p50", "good", "")
PLOT_HEIGHT, WIDEST = 14, 100


def trial_line(trial: Trial) -> str:
    """One trial as it ends, in a line."""
    if not trial.series:
        return f"{trial.standing}: {trial.why}"
    (found,) = placed([trial])
    rate = figure(found.point.rate("generation_tokens_per_s"), " tok/s", 1)
    ttft = figure(found.point.latency("ttft_ms").p95, " ms")
    why = f", {trial.why}" if trial.why else ""
    early = f", left after {len(trial.series)} repeats" if trial.early else ""
    return f"{rate}, TTFT p95 {ttft}; {trial.standing}{why}{early}"


def report_lines(trials: Sequence[Trial], best: Trial) -> list[str]:
    """The table of all trials, the plot of the front, and what the best one brings."""
    found = placed(trials)
    rows = [_row(one, best) for one in found]
    lines = text_table(HEADS, rows)
    lines += [f"   {_unmeasured(one)}" for one in trials if not one.series]
    drawing = plot(found)
    if drawing is not None and len(found) > 1:
        width = min(shutil.get_terminal_size((80, 24)).columns, WIDEST)
        takes = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        lines += ["", *drawn(drawing, width, PLOT_HEIGHT, ascii_only=not takes)]
    if best is not trials[0] and trials[0].series:
        changes = difference(trials[0].setting.flags, best.setting.flags)
        lines += ["", f"best: {judged(trials[0].series, best.series).why}"]
        lines += [f"  {change}" for change in changes]
    return lines


def found_data(
    trials: Sequence[Trial],
    best: Trial,
    before: Setting,
    decision: str,
    written: Written | None,
    journal: Path,
) -> dict[str, Any]:
    """What `--json` prints."""
    first = trials[0]
    gain = None
    if best.setting.flags != before.flags and first.series:
        found = judged(first.series, best.series).difference
        gain = {"ratio": found.ratio, "low": found.low, "high": found.high}
    return {
        "decision": decision,
        "profile": written.name if written else None,
        "old_profile": written.before if written else None,
        "path": str(written.path) if written else None,
        "chosen": {"words": best.setting.words, "flags": best.setting.flags},
        "before": {"flags": before.flags},
        "gain": gain,
        "trials": [_trial_data(one, trials) for one in trials],
        "journal": str(journal),
    }


def _trial_data(trial: Trial, trials: Sequence[Trial]) -> dict[str, Any]:
    at = next((one for one in placed(trials) if one.trial is trial), None)
    return {
        "setting": trial.setting.words,
        "knob": trial.setting.knob,
        "flags": trial.setting.flags,
        "ran": trial.ran,
        "standing": trial.standing,
        "why": trial.why,
        "early": trial.early,
        "repeats": len(trial.series),
        "on_front": at.on_front if at else False,
        "generation_tokens_per_s": at.point.rate("generation_tokens_per_s") if at else None,
        "goodput_per_s": at.point.rate("goodput_per_s") if at else None,
        "ttft_ms": at.point.latency("ttft_ms") if at else None,
        "itl_ms": at.point.latency("itl_ms") if at else None,
        "e2e_ms": at.point.latency("e2e_ms") if at else None,
        "difference": trial.difference,
        "trouble": trial.trouble,
        "seconds": trial.seconds,
    }


def _row(one: Placed, best: Trial) -> tuple[str, ...]:
    point, trial = one.point, one.trial
    share = point.rate("good_share")
    mark = "best" if trial is best else "front" if one.on_front else ""
    return (
        str(one.number),
        trial.setting.words,
        figure(point.rate("generation_tokens_per_s"), "", 1),
        figure(point.latency("ttft_ms").p95, " ms"),
        figure(point.latency("itl_ms").p95, " ms", 1),
        figure(point.latency("e2e_ms").p50, " ms"),
        "—" if share is None else f"{share:.0%}",
        mark or trial.standing,
    )


def _unmeasured(trial: Trial) -> str:
    return f"{trial.setting.words}: {trial.standing}, {trial.why}"
