"""Who holds Ollama's port: read of real processes, and of cgroup paths as engines write them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import ollama_stand_in as stand_in
from tests.support.home import free_port, wait_until
from tests.support.ollama_stand_in import ollama_stand_in
from vconsole.errors import VConsoleError
from vconsole.host.ollama import api, process
from vconsole.host.ollama.holding import holding
from vconsole.host.ollama.owner import OwnerKind, engine_in_cgroup, find_owner, owner_in_cgroup
from vconsole.host.ollama.store import store_folders
from vconsole.supervisor.ollama import ladder
from vconsole.supervisor.ollama.model import Rung

ID = "4f" * 32
USER = "/user.slice/user-1000.slice/user@1000.service"


def test_a_cgroup_says_what_drives_its_engine() -> None:
    assert engine_in_cgroup(f"/docker/{ID}") == "docker"
    assert engine_in_cgroup(f"{USER}/user.slice/libpod-{ID}.scope/container") == "podman"
    assert engine_in_cgroup("/lxc.payload.box/init.scope") == "lxc"
    assert engine_in_cgroup("/system.slice/ollama.service") is None


@pytest.mark.parametrize(
    ("cgroup", "kind", "name"),
    [
        ("/system.slice/ollama.service", OwnerKind.SYSTEM_UNIT, "ollama.service"),
        (f"{USER}/app.slice/ollama.service", OwnerKind.USER_UNIT, "ollama.service"),
        ("/system.slice/snap.ollama.listener.service", OwnerKind.SNAP, None),
        (f"/system.slice/docker-{ID}.scope", OwnerKind.CONTAINER, ID),
        (f"/docker/{ID}", OwnerKind.CONTAINER, ID),
        (f"{USER}/user.slice/libpod-{ID}.scope/container", OwnerKind.CONTAINER, ID),
        ("/lxc.payload.box/init.scope", OwnerKind.CONTAINER, "box"),
        (f"{USER}/app.slice/snap.ollama.ollama-{ID}.scope", OwnerKind.PROCESS, None),
        ("/user.slice/user-1000.slice/session-3.scope", OwnerKind.PROCESS, None),
        ("/system.slice/docker.service", OwnerKind.SYSTEM_UNIT, "docker.service"),
    ],
)
def test_a_cgroup_says_what_runs_it(cgroup: str, kind: OwnerKind, name: str | None) -> None:
    found = owner_in_cgroup(cgroup)
    assert found[0] is kind
    assert name is None or found[1] == name


@contextmanager
def ollama_process(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that calls itself `ollama serve`, with a child that calls itself its runner."""
    shutil.copy(Path(stand_in.__file__), folder / "serve")
    shutil.copy(Path(stand_in.__file__), folder / "runner")
    environment = {**os.environ, "OLLAMA_PORT": str(port)}
    child = subprocess.Popen(["ollama", "serve"], executable=sys.executable, cwd=folder,
                             env=environment)  # fmt: skip
    try:
        wait_until("it answers", lambda: api.version(f"http://127.0.0.1:{port}") is not None)
        yield child
    finally:
        child.kill()
        child.wait()


def test_the_process_on_the_port_and_what_it_holds(tmp_path: Path) -> None:
    port = free_port()
    assert find_owner(port) is None
    with ollama_process(tmp_path, port) as child:
        owner = find_owner(port)
        assert owner is not None
        assert owner.kind is not OwnerKind.FORWARDED
        assert owner.pid == child.pid
        held = holding(child.pid)
        assert held.since_at is not None
        assert held.memory_bytes
        assert held.runner_since_at is None
    assert holding(child.pid).memory_bytes is None


def test_its_store_is_where_its_own_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("OLLAMA_MODELS", "/data/models of ollama")
    with ollama_process(tmp_path, port):
        monkeypatch.delenv("OLLAMA_MODELS")
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
        assert store_folders() == (Path("/data/models of ollama"),)
    assert len(store_folders()) == 3


async def test_what_only_passes_the_port_on_is_never_ended() -> None:
    """Such as ssh, or the proxy that docker runs in its own unit."""
    with ollama_stand_in(llama3_8b=1) as peer:
        owner = find_owner(int(peer.url.rpartition(":")[2]))
        assert owner is not None
        assert (owner.kind, owner.pid) == (OwnerKind.FORWARDED, os.getpid())
        assert owner.unit is None
        for rung in (Rung.STOP, Rung.DISABLE, Rung.BLOCK, Rung.END):
            with pytest.raises(VConsoleError, match="passes it on"):
                await ladder.climb(rung, owner, (), owner.pid)


def test_a_process_is_started_again_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with ollama_process(tmp_path, port) as child:
        recipe = process.recipe(child.pid)
        assert recipe is not None
        assert recipe.uid == os.geteuid()
        fields = find_owner(port)
        assert fields is not None
        assert fields.start_ticks is not None
        process.end(child.pid, fields.start_ticks)
        child.wait()
    process.start_again(recipe)
    wait_until("it is back", lambda: find_owner(port) is not None)
    again = find_owner(port)
    assert again is not None
    assert again.pid is not None
    assert again.start_ticks is not None
    process.end(again.pid, again.start_ticks)
    process._started.pop().wait()
