"""What is said of a batch: a line while it runs, its result for people and for scripts."""

from __future__ import annotations

from vconsole.cli.output import duration, figure
from vconsole.errors import VConsoleError
from vconsole.requests.batch.model import Progress
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobState, JobStatus
from vconsole.supervisor.telling.cost import Cost


def progress_line(job: JobStatus) -> str:
    progress = job.progress
    if progress is None:
        return f"  {job.state}"
    share = progress.done / progress.total if progress.total else 0.0
    words = [f"  {progress.done:,} of {progress.total:,}  {share:.0%}"]
    if progress.requests_per_s and job.state == JobState.RUNNING:
        words.append(f"{figure(progress.requests_per_s, '/s', 1)}")
        words.append(f"about {duration(progress.eta_s)} left")
    if progress.failed:
        words.append(f"{progress.failed:,} failed")
    if job.state != JobState.RUNNING or job.note:
        words.append(f"{job.state}{f': {job.note}' if job.note else ''}")
    return "  ".join(words)


def cost_of(client: SupervisorClient, job: JobStatus) -> Cost | None:
    """None where nobody says what it has cost; no other figure is lost by that."""
    try:
        return client.job_cost(job.id)
    except VConsoleError:
        return None


def result_of(job: JobStatus, cost: Cost | None = None) -> dict[str, object]:
    """The keys that scripts rely on, and more."""
    progress = job.progress
    found: dict[str, object] = {
        "job": job.id,
        "state": job.state,
        "output": job.spec.output,
        "errors": job.errors,
        "note": job.note,
        "remedy": job.remedy,
        "join": job.spec.join,
        "priority": job.priority,
        "weight": job.weight,
        "pid": job.pid,
    }
    found["cache_hit_rate"] = progress.cache_hit_rate if progress else None
    for key in (
        *("total", "done", "completed", "failed", "reused"),
        *("truncated", "empty", "from_cache", "retries"),
        *("requests_per_s", "generation_tokens_per_s", "seconds", "eta_s", "first_request_s"),
        *("prompt_tokens", "generation_tokens", "concurrency", "in_flight", "failures"),
    ):
        found[key] = getattr(progress, key) if progress else None
    if cost is not None:
        found |= {"cost": cost.amount, "currency": cost.currency, "cost_rests_on": cost.rests_on}
    return found


def result_lines(job: JobStatus, cost: Cost | None = None) -> list[str]:
    progress = job.progress
    lines = [f"{job.id} {job.state}{f': {job.note}' if job.note else ''}"]
    if job.remedy:
        lines.append(f"  {job.remedy}")
    if progress:
        lines.append(
            f"  {progress.completed:,} answered, {progress.failed:,} failed"
            f" of {progress.total:,} in {duration(progress.seconds)}"
        )
        apart = {"cut off by length": progress.truncated, "empty": progress.empty}
        apart |= {"there before": progress.were_there, _from_cache(progress): progress.from_cache}
        told = [f"{count:,} {words}" for words, count in apart.items() if count]
        lines += [f"  of these {', '.join(told)}"] if told else []
        lines += [f"  failed: {count:,} {code}" for code, count in progress.failures.items()]
    if cost is not None and cost.amount is not None:
        lines.append(
            f"  cost    {cost.amount:,.4g} {cost.currency}".rstrip() + f"  {cost.rests_on}"
        )
    lines.append(f"  answers {job.spec.output}")
    if progress and progress.failed:
        lines.append(f"  errors  {job.errors} (again: batch run ... --retry-failed)")
    return lines


def _from_cache(progress: Progress) -> str:
    rate = progress.cache_hit_rate
    return "from the cache" + (f" (hit rate {rate:.0%})" if rate is not None else "")
