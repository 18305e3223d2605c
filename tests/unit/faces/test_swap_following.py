"""A swap followed across the death of its supervisor: what the next one says of it decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from vconsole import paths
from vconsole.cli.app import run
from vconsole.cli.servers import swap_following
from vconsole.cli.servers.swap_following import until_swapped
from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
from vconsole.supervisor.model import Operation, OperationState, Status
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch, ServerRecord, SwapStage, Transaction

BEGUN = Operation("a1", "swap", "main", OperationState.RUNNING, datetime.now(UTC))
SEEN = replace(BEGUN, old="lark", new="owl")


class Client(SupervisorClient):
    """Stands in for a supervisor that tells `pages` and then is gone, or ends what it tells."""

    def __init__(self, *pages: Status, ends: bool = False) -> None:
        super().__init__(Path("/nowhere"))
        self.pages, self.ends = pages, ends

    def status(self, name: str = "main") -> Status:
        return self.pages[0]

    def watch(self, name: str = "main", attached: object = None) -> Iterator[Status]:
        yield from self.pages
        if self.ends:
            return
        raise SupervisorUnreachableError("nobody answers")


def page(served_name: str, *operations: Operation) -> Status:
    made = sketches.ready(Path("good.log"))
    server = replace(made.server, served_name=served_name)
    return replace(made, server=server, operations=operations)


def followed(
    next_page: Status, monkeypatch: pytest.MonkeyPatch, *, ends: bool = False
) -> Operation:
    """The end of a swap that the first supervisor told of once before it was killed."""
    monkeypatch.setattr(swap_following, "reach_supervisor", lambda: Client(next_page))
    ended, _ = until_swapped(Client(page("lark", SEEN), ends=ends), BEGUN, None, lambda _: None)
    return ended


@pytest.mark.parametrize("ends", [False, True])
def test_the_swap_that_the_next_supervisor_goes_on_with_is_followed(
    monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    taken_up = replace(SEEN, id="b2", state=OperationState.DONE, seconds=3.0)
    assert followed(page("owl", taken_up), monkeypatch, ends=ends) == taken_up


def test_one_that_had_ended_before_anybody_heard_of_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert followed(page("owl"), monkeypatch).state is OperationState.DONE


def test_one_that_was_dropped_is_an_error_that_says_what_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(VConsoleError, match="main is ready with lark") as caught:
        followed(page("lark"), monkeypatch)
    assert caught.value.kind == "swap_dropped"
    assert "swap again" in (caught.value.remedy or "")


def test_supervisors_that_die_one_after_the_other_are_not_followed_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SupervisorUnreachableError):
        followed(page("lark", SEEN), monkeypatch)


def test_without_a_supervisor_status_says_that_a_swap_was_interrupted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lark, owl = (Launch(one, one, "127.0.0.1", 8000) for one in ("lark", "owl"))
    swap = Transaction(lark, (owl,), datetime.now(UTC), SwapStage.STARTING)
    paths.private_folder(paths.server_dir("main"))
    record.save(ServerRecord("main", launch=lark, swap=swap))
    assert run(["status"]) == 0
    said = capsys.readouterr().out
    assert "a swap of lark to owl was interrupted" in said
    assert "no supervisor runs" in said
