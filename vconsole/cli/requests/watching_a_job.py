"""A batch or a bench from the terminal that waits for it, whatever becomes of the supervisor."""

from __future__ import annotations

import time
from collections.abc import Iterator

from vconsole.cli.reaching import reach_supervisor
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
from vconsole.supervisor.jobs.model import ENDED, JobStatus

POLL_S, FIRST_POLLS_S = 0.5, 0.1
PATIENCE_WITHOUT_SUPERVISOR_S = 60.0


def watched_job(client: SupervisorClient, job: JobStatus) -> Iterator[JobStatus]:
    """The job again and again until it has ended; a supervisor that died is brought up again."""
    begun_s = seen_s = time.monotonic()
    while job.state not in ENDED:
        time.sleep(FIRST_POLLS_S if time.monotonic() - begun_s < 3 else POLL_S)
        try:
            job = client.job(job.id)
        except SupervisorUnreachableError:
            if time.monotonic() - seen_s > PATIENCE_WITHOUT_SUPERVISOR_S:
                raise
            client = reach_supervisor()
            continue
        seen_s = time.monotonic()
        yield job
