"""Records: whole or absent, readable by a later version, and corrupt ones kept aside."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.files import write_atomically
from vconsole.supervisor.model import Desired, ServerState, Transition
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch, Run, ServerRecord
from vconsole.supervisor.servers.recorded import recorded_status

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LAUNCH = Launch("m", "served", "127.0.0.1", 8000, ("--enforce-eager",), engine_version="0.32.0")
RUN = Run("main-1", "boot", ProcessId(7, 9), NOW, 120, (ProcessId(7, 9), ProcessId(8, 10)))
FULL = ServerRecord(
    "main",
    state=ServerState.READY,
    desired=Desired.RUNNING,
    launch=LAUNCH,
    run=RUN,
    transitions=(Transition(ServerState.READY, NOW, "asked for"),),
)


@pytest.fixture(autouse=True)
def _folder() -> None:
    paths.private_folder(paths.server_dir("main"))


def test_what_is_saved_is_loaded() -> None:
    record.save(FULL)
    assert record.load("main") == FULL
    assert record.recorded_names() == ("main",)


def test_a_record_of_a_later_version_with_more_fields_is_understood() -> None:
    data = msgspec.to_builtins(FULL) | {"invented_later": [1, 2]}
    record.record_path("main").write_bytes(msgspec.json.encode(data))
    assert record.load("main") == FULL


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"name": 3}', b"[]"])
def test_a_corrupt_record_is_set_aside_and_not_lost(content: bytes) -> None:
    record.record_path("main").write_bytes(content)
    assert record.load("main") == ServerRecord("main")
    kept = list(record.record_path("main").parent.glob("record.json.corrupt-*"))
    assert [path.read_bytes() for path in kept] == [content]


def test_a_ruined_record_gives_way_to_the_one_before_it() -> None:
    record.save(FULL)
    record.save(replace(FULL, restarts=1))
    record.record_path("main").write_bytes(b"{")
    assert record.load("main") == FULL
    assert record.load("main") == FULL


def test_a_write_that_fails_spares_the_record_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    record.save(FULL)
    record.save(replace(FULL, restarts=1))

    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        record.save(replace(FULL, restarts=2))
    assert record.load("main").restarts == 1
    record.record_path("main").write_bytes(b"{")
    assert record.load("main") == FULL


def test_an_unreadable_environment_is_no_empty_one() -> None:
    record.save_environment("main", {"VLLM_API_KEY": "secret"})
    record.environment_path("main").write_bytes(b"{")
    with pytest.raises(VConsoleError, match="cannot be read"):
        record.load_environment("main")
    assert record.readable_environment("main") == {}


def test_files_are_private() -> None:
    record.save_environment("main", {"HF_TOKEN": "secret"})
    record.save(FULL)
    for path in (record.environment_path("main"), record.record_path("main")):
        assert path.stat().st_mode & 0o777 == 0o600
    assert record.load_environment("main") == {"HF_TOKEN": "secret"}
    assert "secret" not in record.record_path("main").read_text()


def test_a_write_that_fails_leaves_the_old_content() -> None:
    record.save(FULL)
    with pytest.raises(OSError, match="Is a directory"):
        write_atomically(paths.server_dir("main"), b"x")
    assert record.load("main") == FULL
    assert not list(paths.server_dir("main").parent.glob(".*.new"))


def test_the_status_of_a_record_has_what_it_knows() -> None:
    status = recorded_status(FULL)
    assert (status.url, status.pid, status.served_name) == ("http://127.0.0.1:8000", 7, "served")
    assert recorded_status(replace(FULL, run=None)).pid is None
    assert recorded_status(ServerRecord("x")).url is None


def test_a_folder_that_others_can_enter_is_refused() -> None:
    folder = paths.server_dir("main")
    folder.chmod(0o755)
    with pytest.raises(VConsoleError, match="open to other users"):
        paths.private_folder(folder)
