"""Batches as the screens show them: one that runs, others before and behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.console import figures_of_the_sketches as sketches
from vconsole.requests.batch.model import BatchSpec, Phase, Progress
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.telling.cost import Cost

FOLDER = Path("data")
COST = Cost(
    1.84,
    "EUR",
    "92% of the tokens generated while it ran; 498 Wh at 0.4 EUR a kWh; "
    "1.2 h at 1.5 EUR (prices.hardware_per_hour)",
)
RUNNING = Progress(
    Phase.RUNNING,
    total=100_000,
    completed=41_180,
    failed=30,
    truncated=120,
    empty=3,
    reused=15,
    from_cache=15,
    cache_asked=60,
    in_flight=32,
    concurrency=48,
    prompt_tokens=12_300_000,
    generation_tokens=4_100_000,
    requests_per_s=11.4,
    generation_tokens_per_s=1842.0,
    rate_window_s=30.0,
    eta_s=5160.0,
    seconds=3612.0,
    failures={"too_long": 20, "bad_line": 10},
)
ANSWERS = (
    ("ticket-41208", "stop", "The customer asks for a refund of a charger that never arrived."),
    ("ticket-41209", "length", "A long complaint about the delivery, with five earlier calls and"),
    ("ticket-41210", "stop", "They thank the team: the replacement works.\n\nNo action is needed."),
    ("ticket-41211", "stop", ""),
)
FAILURES = (
    ("ticket-98", "too_long", "the prompt has 9,120 tokens, the model takes 8,192", 98),
    (None, "bad_line", "no request of a batch: JSON is malformed", 412),
)


def job(id: str, state: str, source: str = "nightly.jsonl", **more: Any) -> JobStatus:
    output = FOLDER / f"{Path(source).stem}.answers.jsonl"
    begun = sketches.NOW - timedelta(hours=1)
    made = JobStatus(
        id=id,
        kind="batch",
        state=state,
        server="main",
        url=None,
        priority=0,
        weight=1.0,
        not_before=None,
        created_at=begun,
        started_at=begun,
        ended_at=None,
        pid=4711,
        spec=BatchSpec(str(FOLDER / source), str(output), max_tokens=256),
        errors=str(FOLDER / f"{Path(source).stem}.answers.errors.jsonl"),
        log_path=f"state/jobs/{id}/job.log",
        progress=RUNNING,
    )
    return replace(made, **more)


def jobs() -> tuple[JobStatus, ...]:
    """Newest first, as the supervisor has them."""
    over = {"ended_at": sketches.NOW - timedelta(hours=5), "pid": None}
    done = Progress(Phase.DONE, 500, 500, requests_per_s=13.2, seconds=38.0)
    broken = Progress(Phase.FAILED, 900, 310, 2, failures={"http_400": 2}, seconds=31.0)
    later = sketches.NOW + timedelta(hours=8)
    return (
        job("b5", "queued", "weekly.parquet", progress=None, not_before=later, started_at=None),
        job("b4", "waiting", "urgent.csv", priority=5, note="waiting for the server: it restarts"),
        job("b3", "running", weight=3.0),
        job("b2", "failed", "old.jsonl", progress=broken, note="the disk broke", **over),
        job("b1", "done", "first.txt", progress=done, **over),
    )


def write_results(folder: Path = FOLDER) -> None:
    """The output and the errors file of the running one."""
    folder.mkdir(exist_ok=True)
    with (folder / "nightly.answers.jsonl").open("w") as file:
        for name, finish, text in ANSWERS:
            choice = {"message": {"content": text}, "finish_reason": finish}
            body = {"choices": [choice], "usage": {"completion_tokens": 20}}
            line = {"custom_id": name, "response": {"status_code": 200, "body": body}}
            file.write(json.dumps(line | {"error": None}) + "\n")
    with (folder / "nightly.answers.errors.jsonl").open("w") as file:
        for name_or_none, code, message, number in FAILURES:
            error = {"code": code, "message": message, "line": number}
            file.write(json.dumps({"custom_id": name_or_none, "error": error}) + "\n")
