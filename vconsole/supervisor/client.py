"""The faces' way to the supervisor: HTTP over its Unix socket, answers as typed dataclasses.

What few callers ask about is imported where it is asked: to most, imports are what a call costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from vconsole.supervisor.calls import HangUp as HangUp
from vconsole.supervisor.calls import SocketCalls
from vconsole.supervisor.calls import SupervisorUnreachableError as SupervisorUnreachableError
from vconsole.supervisor.model import (
    AdoptRequest,
    AskEvent,
    AskRequest,
    Attached,
    ForeignServer,
    Operation,
    PullRequest,
    RemovedModel,
    RemoveRequest,
    Sample,
    ServerStatus,
    StartRequest,
    Status,
    SupervisorInfo,
    SwapRequest,
)

if TYPE_CHECKING:
    from vconsole.supervisor.jobs.model import JobChange, JobRequest, JobStatus
    from vconsole.supervisor.ollama.model import OllamaReport
    from vconsole.supervisor.telling.cost import Cost
    from vconsole.supervisor.telling.event import Event, EventQuery
    from vconsole.supervisor.telling.report_model import Report

# A unit may take its whole TimeoutStopSec to stop, and models their time to load.
OLLAMA_PATIENCE_S = 300.0


class SupervisorClient(SocketCalls):
    """What a face may ask of the supervisor, and tell it to do."""

    def info(self) -> SupervisorInfo:
        return self._call("GET", "/v1/supervisor", SupervisorInfo)

    def status(self, name: str = "main") -> Status:
        return self._call("GET", f"/v1/status?{urlencode({'name': name})}", Status)

    def start(self, name: str, request: StartRequest) -> Operation:
        return self._call("POST", f"/v1/servers/{name}/start", Operation, request)

    def stop(self, name: str, drain_s: float | None = None) -> Operation:
        return self._call("POST", f"/v1/servers/{name}/stop", Operation, {"drain_s": drain_s})

    def restart(self, name: str, changes: Sequence[str] = ()) -> Operation:
        """Stop and start again; `changes` are vLLM flags that take the place of the last ones."""
        body = {"changes": list(changes)}
        return self._call("POST", f"/v1/servers/{name}/restart", Operation, body)

    def swap(self, name: str, request: SwapRequest) -> Operation:
        """Replace what runs; the operation says whether it was rolled back."""
        return self._call("POST", f"/v1/servers/{name}/swap", Operation, request)

    def cancel_swap(self, name: str) -> Operation:
        """Give up a swap that has not touched what serves; refused where it has."""
        return self._call("POST", f"/v1/servers/{name}/swap/cancel", Operation)

    def smoke(self, name: str) -> Operation:
        """Start the smoke test; its report arrives in `Status.smoke`."""
        return self._call("POST", f"/v1/servers/{name}/smoke", Operation)

    def server(self, name: str) -> ServerStatus:
        return self._call("GET", f"/v1/servers/{name}", ServerStatus)

    def forget(self, name: str) -> ServerStatus:
        """Remove a stopped server's record and log; returns what it was."""
        return self._call("DELETE", f"/v1/servers/{name}", ServerStatus)

    def foreign(self, pid: int) -> ForeignServer:
        """A vLLM that may be adopted, looked at now; refused with the reason where it may not."""
        return self._call("GET", f"/v1/foreign/{pid}", ForeignServer)

    def adopt(self, name: str, request: AdoptRequest) -> ServerStatus:
        """Take over a foreign server under a name that is free."""
        return self._call("POST", f"/v1/servers/{name}/adopt", ServerStatus, request)

    def history(self, name: str, seconds: float, points: int | None = None) -> tuple[Sample, ...]:
        """The samples of the last `seconds` (a week at most), oldest first.

        The last hour has one a second, what is older one a minute; `points` is how many at most,
        each then standing for an equal span. Where nothing was sampled there is none.
        """
        asked = {"seconds": seconds} | ({} if points is None else {"points": points})
        query = urlencode(asked)
        return self._call("GET", f"/v1/servers/{name}/history?{query}", tuple[Sample, ...])

    def pulls(self) -> tuple[Operation, ...]:
        """The pulls of models that run, and those that ended within some minutes."""
        return self._call("GET", "/v1/models/pulls", tuple[Operation, ...])

    def pull(self, request: PullRequest) -> Operation:
        """Bring a model of the Hub into the cache, in a process of its own."""
        return self._call("POST", "/v1/models/pull", Operation, request)

    def cancel_pull(self, number: str) -> Operation:
        return self._call("POST", f"/v1/models/pulls/{number}/cancel", Operation)

    def remove_model(self, request: RemoveRequest) -> RemovedModel:
        """Take a model out of the cache; refused where a server serves it."""
        return self._call("POST", "/v1/models/remove", RemovedModel, request)

    def events(self, query: EventQuery, wait_s: float = 0.0) -> tuple[Event, ...]:
        """Events, oldest first; waits up to `wait_s` (10 at most) for one where there is none."""
        from vconsole.supervisor.telling.event import Event

        asked: dict[str, Any] = {"kind": query.kinds, "limit": query.limit, "wait_s": wait_s}
        asked |= {"since": query.since.isoformat()} if query.since else {}
        asked |= {"server": query.server} if query.server is not None else {}
        asked |= {"after_id": query.after_id} if query.after_id is not None else {}
        return self._call("GET", f"/v1/events/log?{urlencode(asked, True)}", tuple[Event, ...])

    def report(self, since: datetime, server: str | None = None) -> Report:
        """What happened since then, of one server or of all."""
        from vconsole.supervisor.telling.report_model import Report

        asked = {"since": since.isoformat()} | ({"server": server} if server else {})
        return self._call("GET", f"/v1/report?{urlencode(asked)}", Report)

    def ollama(self) -> OllamaReport:
        """Ollama on this host, looked at now."""
        from vconsole.supervisor.ollama.model import OllamaReport

        return self._call("GET", "/v1/ollama", OllamaReport)

    def change_ollama(self, verb: str, pid: int | None = None) -> OllamaReport:
        """Carry out a rung of the ladder, or `restore`; answers when it is over."""
        from vconsole.supervisor.ollama.model import OllamaReport, OllamaRequest

        patient = type(self)(self.socket_path, OLLAMA_PATIENCE_S)
        return patient._call("POST", f"/v1/ollama/{verb}", OllamaReport, OllamaRequest(pid))

    def jobs(self) -> tuple[JobStatus, ...]:
        """Every job that is remembered, the newest first."""
        from vconsole.supervisor.jobs.model import JobStatus

        return self._call("GET", "/v1/jobs", tuple[JobStatus, ...])

    def job(self, job_id: str) -> JobStatus:
        from vconsole.supervisor.jobs.model import JobStatus

        return self._call("GET", f"/v1/jobs/{quote(job_id, safe='')}", JobStatus)

    def job_cost(self, job_id: str) -> Cost:
        """What a job has cost until now, with what that rests on."""
        from vconsole.supervisor.telling.cost import Cost

        return self._call("GET", f"/v1/jobs/{quote(job_id, safe='')}/cost", Cost)

    def submit(self, request: JobRequest) -> JobStatus:
        """Queue a batch; the job that does this very batch already is the answer where one does."""
        from vconsole.supervisor.jobs.model import JobStatus

        return self._call("POST", "/v1/jobs", JobStatus, request)

    def job_verb(self, job_id: str, verb: str) -> JobStatus:
        """`pause`, `resume` or `cancel` a job, or `retry` what failed in it."""
        from vconsole.supervisor.jobs.model import JobStatus

        return self._call("POST", f"/v1/jobs/{quote(job_id, safe='')}/{verb}", JobStatus)

    def change_job(self, job_id: str, change: JobChange) -> JobStatus:
        """Another priority, weight or concurrency of a job, from now on."""
        from vconsole.supervisor.jobs.model import JobStatus

        return self._call("POST", f"/v1/jobs/{quote(job_id, safe='')}/change", JobStatus, change)

    def shut_down(self, servers: str = "keep") -> SupervisorInfo:
        """End the supervisor; `servers` is `keep` or `stop`."""
        return self._call("POST", "/v1/supervisor/stop", SupervisorInfo, {"servers": servers})

    def watch(
        self, name: str = "main", attached: Callable[[Attached], None] | None = None
    ) -> Iterator[Status]:
        """Whole snapshots, at once and then whenever something changed (at most ten a second).

        A reader that falls behind misses intermediate snapshots, never the latest. With `attached`
        it counts as a console that a person looks at, and is told first when one did before.
        """
        asked = {"name": name} | ({} if attached is None else {"face": "console"})
        for event in self._stream("GET", f"/v1/events?{urlencode(asked)}"):
            if event.event == "status":
                yield msgspec.json.decode(event.data, type=Status)
            elif event.event == "attached" and attached is not None:
                attached(msgspec.json.decode(event.data, type=Attached))

    def ask(
        self, name: str, request: AskRequest, hang_up: HangUp | None = None
    ) -> Iterator[AskEvent]:
        """Send one request to the model; closing the iterator aborts it in the server.

        So does `hang_up`, from any thread and while the answer is waited for.
        """
        for event in self._stream("POST", f"/v1/servers/{name}/ask", request, hang_up):
            yield msgspec.json.decode(event.data, type=AskEvent)
