"""A server brought from setting to setting: what the supervisor is asked, and what is left alone.

The supervisor's answers are made up; what it is sent and the records on disk are not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tests.support import proofs
from vconsole import paths
from vconsole.cli.measuring import prove_run, tune_run
from vconsole.errors import ErrorBody, VConsoleError
from vconsole.requests.bench.model import Load
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import (
    Desired,
    Operation,
    OperationState,
    ServerState,
    ServerStatus,
    StartRequest,
    SwapRequest,
)
from vconsole.supervisor.ollama.model import OllamaReport
from vconsole.supervisor.proving.journal import Journal as Proof
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch, ServerRecord
from vconsole.supervisor.tuning.in_hand import Recipe, ServerInHand
from vconsole.supervisor.tuning.journal import Header, Journal, Subject
from vconsole.supervisor.tuning.model import Setting
from vconsole.supervisor.tuning.tuner import CannotGoOnError, UnfitError

BEFORE = ("--max-num-seqs", "64")
RECIPE = Recipe("/models/a", "a", 8000, {"VLLM_A": "1"})
DONE = Operation("1", "swap", "main", OperationState.DONE, datetime.now(UTC))


@dataclass
class Supervisor(SupervisorClient):
    """It does at once what it is asked, unless `fails` says why not."""

    state: ServerState = ServerState.READY
    desired: Desired = Desired.RUNNING
    fails: str | None = None
    asked: list[StartRequest | SwapRequest | str] = field(default_factory=list)

    def server(self, name: str) -> ServerStatus:
        return ServerStatus(name, state=self.state, desired=self.desired, served_name="a")

    def swap(self, name: str, request: SwapRequest) -> Operation:
        return self._done(request, request.flags, request.env)

    def start(self, name: str, request: StartRequest) -> Operation:
        self.state, self.desired = ServerState.READY, Desired.RUNNING
        return self._done(request, request.flags, request.env)

    def stop(self, name: str, drain_s: float | None = None) -> Operation:
        self.asked.append("stop")
        self.state, self.desired = ServerState.STOPPED, Desired.STOPPED
        return DONE

    def ollama(self) -> OllamaReport:
        return OllamaReport(False)

    def _done(
        self, request: StartRequest | SwapRequest, flags: tuple[str, ...], env: dict[str, str]
    ) -> Operation:
        self.asked.append(request)
        if self.fails:
            body = ErrorBody(self.fails, "it would not fit", None, 1)
            return Operation(
                "1", "swap", "main", OperationState.FAILED, DONE.started_at, error=body
            )
        launched(flags)
        record.save_environment("main", {**record.load_environment("main"), **env})
        return DONE


def launched(flags: tuple[str, ...] = BEFORE, model: str = "/models/a") -> None:
    paths.private_folder(paths.state_dir())
    paths.server_dir("main").mkdir(parents=True, exist_ok=True)
    record.save(ServerRecord("main", launch=Launch(model, "a", "127.0.0.1", 8000, flags)))


@pytest.fixture
def supervisor() -> Supervisor:
    launched()
    record.save_environment("main", {"VLLM_API_KEY": "k", "VLLM_B": "2"})
    return Supervisor()


def hand(supervisor: Supervisor) -> ServerInHand:
    return ServerInHand(supervisor, "main", RECIPE, lambda operation: operation, "prove")


def test_what_runs_already_is_not_started_again(supervisor: Supervisor) -> None:
    same = Setting("as it was", BEFORE)
    assert hand(supervisor).bring_up(same, env={"VLLM_B": "2"}, unset=("VLLM_C",)) == BEFORE
    assert supervisor.asked == []
    hand(supervisor).bring_up(same, unset=("VLLM_B",))
    (swap,) = supervisor.asked
    assert isinstance(swap, SwapRequest)
    assert (swap.unset, swap.env) == (("VLLM_B",), {"VLLM_A": "1"})


def test_started_after_a_rest_it_has_its_key_and_what_it_was_given(supervisor: Supervisor) -> None:
    held = hand(supervisor)
    held.rest()
    held.bring_up(Setting("eager", ("--enforce-eager",)), env={"VLLM_C": "3"}, unset=("VLLM_B",))
    stop, start = supervisor.asked
    assert stop == "stop"
    assert isinstance(start, StartRequest)
    assert start.env == {"VLLM_API_KEY": "k", "VLLM_A": "1", "VLLM_C": "3"}
    assert not held.at_rest


def test_what_others_did_to_it_is_left_alone(supervisor: Supervisor) -> None:
    supervisor.desired = Desired.STOPPED
    with pytest.raises(CannotGoOnError, match="was stopped, which `vconsole prove` did not do"):
        hand(supervisor).bring_up(Setting("eager", ("--enforce-eager",)))
    launched(model="/models/other")
    with pytest.raises(CannotGoOnError, match="serves a now"):
        hand(supervisor).bring_up(Setting("eager", ("--enforce-eager",)))
    assert supervisor.asked == []


def test_a_refusal_before_anything_was_stopped_is_told_from_a_rollback_that_failed(
    supervisor: Supervisor,
) -> None:
    supervisor.fails = "too_big"
    with pytest.raises(UnfitError, match="would not fit"):
        hand(supervisor).bring_up(Setting("more", ("--max-num-seqs", "512")))
    supervisor.fails = "rollback_failed"
    with pytest.raises(CannotGoOnError):
        hand(supervisor).bring_up(Setting("more", ("--max-num-seqs", "512")))


@pytest.mark.parametrize("command", [prove_run, tune_run])
def test_undo_ends_what_somebody_else_has_overtaken(
    command: object,
    supervisor: Supervisor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else neither would it be given back, nor could another be begun."""
    subject = Subject("main", "/models/a", "a", "0.32.0 cpu", "w", Load(16), (3, 3))
    Journal.begin(Header(subject, Setting("as it was", BEFORE), datetime.now(UTC)))
    proofs.journal()
    launched(model="/models/other")
    monkeypatch.setattr(command, "reach_supervisor", lambda: supervisor)
    undo = command.undo  # type: ignore[attr-defined]
    assert undo("main", True) == 0
    assert json.loads(capsys.readouterr().out)["undone"]
    if command is prove_run:
        assert Proof.found("main") is None
    else:
        assert Journal.found("main") is None
    with pytest.raises(VConsoleError):
        undo("main", True)
