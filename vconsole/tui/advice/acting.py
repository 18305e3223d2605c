"""What a hint's key does at once: flags for the next start, Ollama unloaded, a job given more room.

A rule names its deed by `action`; whatever else is a key of its own, which the hint names instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vconsole.supervisor.model import Advice, Job

if TYPE_CHECKING:
    from vconsole.supervisor.client import SupervisorClient
    from vconsole.tui.view import View

UNLOAD, RAISE = "ollama.unload", "job.concurrency"


@dataclass(frozen=True, slots=True)
class Deed:
    """A question in the console's words, and what follows a yes."""

    title: str
    target: str
    effects: tuple[str, ...]
    verb: str
    done: str
    act: Callable[[SupervisorClient], object]


def advised(view: View) -> Advice | None:
    """The first hint that can be acted on where it is shown."""
    return next((one for one in view.advice if one.flags or deed_of(one, view)), None)


def deed_of(advice: Advice, view: View) -> Deed | None:
    """None where nothing but a restart, or another key, acts on it."""
    if advice.action == UNLOAD:
        return _unload()
    job = held_job(view)
    if advice.action == RAISE and job and job.concurrency:
        return _raise(job, job.concurrency)
    return None


def held_job(view: View) -> Job | None:
    """The first job at work on this server whose concurrency is a fixed number."""
    jobs = view.status.jobs if view.status else ()
    at_work = (job for job in jobs if job.server == view.name and job.state == "running")
    return next((job for job in at_work if job.concurrency), None)


def _unload() -> Deed:
    effects = (
        "Ollama's models leave the card's memory; Ollama itself keeps running.",
        "A request to it loads its model again.",
        "The same as: vconsole ollama unload",
    )
    return Deed(
        "Unload Ollama's models?",
        "Ollama",
        effects,
        "unload them",
        "Ollama's models are unloaded.",
        lambda client: client.change_ollama("unload"),
    )


def _raise(job: Job, concurrency: int) -> Deed:
    from vconsole.supervisor.jobs.model import JobChange

    more = concurrency * 2
    effects = (
        f"{job.id} sends {more} requests at once instead of {concurrency}.",
        "4 and m change it again; auto finds the best by itself.",
    )
    return Deed(
        "Send more at once?",
        job.title or job.id,
        effects,
        f"send {more}",
        f"{job.id} sends {more} at once.",
        lambda client: client.change_job(job.id, JobChange(concurrency=more)),
    )
