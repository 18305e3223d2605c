"""A new batch: what is asked, of which file, with which parameters; checked before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from textual.screen import ModalScreen

from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui.forms.batch_fields import FIELDS, PATHS, job_of
from vconsole.tui.screens.batch_check import BatchCheckScreen
from vconsole.tui.screens.job_form import Form

KEYS = "enter checks and previews  tab completes, next field  esc leaves"


def new_batch(client: SupervisorClient, server: str, now: datetime) -> Form:
    def request_of(values: Mapping[str, str]) -> JobRequest:
        return job_of(values, server, now)

    def review_of(request: JobRequest) -> ModalScreen[bool]:
        return BatchCheckScreen(client, request)

    return Form("New batch", KEYS, FIELDS, PATHS, request_of, review_of)
