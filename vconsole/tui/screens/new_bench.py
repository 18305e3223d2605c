"""A new bench: under which loads, with which prompts, against whom; shown before it is queued."""

from __future__ import annotations

from collections.abc import Mapping

from textual.screen import ModalScreen

from vconsole.requests.bench.plan import BenchSpec, steps
from vconsole.requests.bench.points import load_words
from vconsole.supervisor.jobs.asked_bench import command_of
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui.drawing import figures
from vconsole.tui.forms.bench_fields import FIELDS, PATHS, asked_of
from vconsole.tui.screens.job_form import Form
from vconsole.tui.screens.review import ReviewScreen

KEYS = "enter shows what will run  tab next field  esc leaves"


def new_bench(server: str, values: Mapping[str, str]) -> Form:
    """`values` stand in the fields at first."""

    def request_of(values: Mapping[str, str]) -> JobRequest:
        return asked_of(values, server).request()

    return Form(f"New bench of {server}", KEYS, FIELDS, PATHS, request_of, _review_of, values)


def _review_of(request: JobRequest) -> ModalScreen[bool]:
    assert request.bench is not None
    contenders = " against ".join(request.bench.contenders)
    return ReviewScreen("Measure this?", contenders, effects_of(request.bench), "measure")


def effects_of(spec: BenchSpec) -> list[str]:
    """What it does to the server, and the command that does the same."""
    every = list(steps(spec))
    requests = sum(step.load.requests + step.load.warm_up for step in every)
    told = [
        f"{figures.plural(len(every), 'measurement')}: {spec.repeats_each} of each load"
        f" ({', '.join(load_words(load) for load in spec.loads)}), {requests:,} requests in all.",
        "Batches wait meanwhile; requests of others make the figures worse, and are told.",
    ]
    if spec.profiles:
        told.append("The server is swapped to each profile in turn, and back to what runs now.")
    return [*told, f"The same as: {command_of(spec)}"]
