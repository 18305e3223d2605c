"""Foreign servers: a command line is a suspicion, only an answer makes a server of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import forged
from tests.support.home import free_port, wait_until
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import vllm_processes
from vconsole.host.listening import listeners, reachable
from vconsole.host.readings import ForeignServer, Gpu, GpuProcess
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.foreign import ForeignWatch
from vconsole.supervisor.servers import adoption


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """What a test appends here is ended after it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        forged.end(process)


async def seen(pid: int, owned: frozenset[int] = frozenset()) -> ForeignServer | None:
    watch = ForeignWatch()
    await watch.look(owned)
    return next((server for server in watch.servers() if server.pid == pid), None)


async def test_what_answers_as_vllm_is_shown(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    port = free_port()
    started.append(forged.server_like_vllm(tmp_path, "m", port))
    found = await seen(started[0].pid)
    assert found is not None
    assert (found.port, found.model, found.version) == (port, "m", "0.32.0")
    assert found.url == f"http://127.0.0.1:{port}"
    assert found.user
    assert found.memory_bytes is not None
    assert found.memory_bytes > 1 << 20
    assert await seen(started[0].pid, owned=frozenset({started[0].pid})) is None
    # What we started ourselves is left out with all that it started.
    assert await seen(started[0].pid, owned=frozenset({os.getpid()})) is None


async def test_who_answered_is_not_asked_again(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(forged.server_like_vllm(tmp_path, "m", free_port()))
    watch = ForeignWatch()
    await watch.look(frozenset())
    assert started[0].pid in {server.pid for server in watch.servers()}
    asked_before = forged.said_so_far(started[0])
    for _ in range(3):
        await watch.look(frozenset())
    # Supervisors of other tests look around as well, so that only the moment between counts.
    assert forged.end(started.pop()) == ""
    assert {"/version", "/v1/models"} <= set(asked_before)


async def test_behind_a_key_the_model_is_unknown_and_the_key_unseen(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(forged.server_like_vllm(tmp_path, "m", free_port(), "hush-hush"))
    found = await seen(started[0].pid)
    assert found is not None
    assert found.model is None
    assert found.version == "0.32.0"
    assert found.command[-2:] == ("--api-key", "***")


@pytest.mark.parametrize(
    "argv",
    [
        ("python", "-c", "print(flush=True); input()", "vllm", "serve"),
        ("vim", "-c", "print(flush=True); input()", "vllm-serve.md"),
    ],
)
async def test_the_name_among_the_words_is_no_suspicion(
    argv: tuple[str, ...], started: list[subprocess.Popen[str]]
) -> None:
    started.append(forged.popen(*argv))
    assert started[0].pid not in vllm_processes.look().pids
    with pytest.raises(VConsoleError, match="is no vLLM server") as refused:
        await adoption.inspect(started[0].pid, frozenset())
    assert refused.value.exit_code is ExitCode.REFUSED


async def test_a_web_server_of_that_name_which_says_nothing_is_no_server(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(forged.server_like_vllm(tmp_path, "nothing", free_port()))
    assert started[0].pid in vllm_processes.look().pids
    assert await seen(started[0].pid) is None
    with pytest.raises(VConsoleError, match="answers as one"):
        await adoption.inspect(started[0].pid, frozenset())


def test_a_title_alone_makes_no_stray(started: list[subprocess.Popen[str]]) -> None:
    cat = subprocess.Popen(
        ["VLLM::EngineCore"], executable="/bin/cat", stdin=subprocess.PIPE, text=True
    )
    started.append(cat)
    shown = Path(f"/proc/{cat.pid}/cmdline")
    wait_until("it shows its title", lambda: "EngineCore" in shown.read_text(), 5)
    sighting = vllm_processes.look()
    assert cat.pid in sighting.pids
    assert cat.pid not in {stray.pid for stray in sighting.strays}


async def test_a_recycled_pid_is_not_adopted(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(forged.server_like_vllm(tmp_path, "m", free_port()))
    pid = started[0].pid
    found = await adoption.inspect(pid, frozenset())
    again = await adoption.inspect(pid, frozenset(), found.shown.start_ticks)
    assert again.run.leader == found.run.leader
    with pytest.raises(VConsoleError, match="another one than the one shown"):
        await adoption.inspect(pid, frozenset(), found.run.leader.start_ticks - 1)


async def test_what_is_adopted_has_its_recipe_and_no_secret_in_it(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    port = free_port()
    started.append(forged.server_like_vllm(tmp_path, "m", port, "hush-hush"))
    found = await adoption.inspect(started[0].pid, frozenset())
    program = (sys.executable, str(tmp_path / "vllm"))
    assert found.launch.command == (*program, "serve", "m", "--port", str(port))
    assert found.environment["VLLM_API_KEY"] == "hush-hush"
    assert (found.launch.folder, found.launch.port) == (os.getcwd(), port)
    assert (found.launch.served_name, found.run.foreign) == ("m", True)


@pytest.mark.parametrize(
    ("pid", "owned", "kind"),
    [(2**22 + 1, frozenset(), "no_process"), (1, frozenset({1}), "already_ours")],
)
async def test_refusals_have_their_kind(pid: int, owned: frozenset[int], kind: str) -> None:
    with pytest.raises(VConsoleError) as refused:
        await adoption.inspect(pid, owned)
    assert refused.value.kind == kind


async def test_the_memory_of_the_cards_is_that_of_the_whole_family(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(forged.server_like_vllm(tmp_path, "m", free_port()))
    pid = started[0].pid
    watch = ForeignWatch()
    await watch.look(frozenset())
    cards = [Gpu(i, processes=(GpuProcess(pid, memory_bytes=5), GpuProcess(1))) for i in range(2)]
    assert {s.pid: s.gpu_memory_bytes for s in watch.servers(cards)}[pid] == 10
    assert {s.pid: s.gpu_memory_bytes for s in watch.servers()}[pid] is None


@pytest.mark.parametrize(
    ("hexadecimal", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "127.0.0.1"),
        ("0202000A", "10.0.2.2"),
        ("0" * 32, "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
        ("00000000000000000000000001000000", "::1"),
    ],
)
def test_addresses_of_the_kernel_are_understood(hexadecimal: str, address: str) -> None:
    assert reachable(hexadecimal) == address


def test_our_own_listener_is_among_all(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    port = free_port()
    started.append(forged.server_like_vllm(tmp_path, "m", port))
    found = [one for one in listeners() if one.port == port]
    assert [(one.host, one.uid) for one in found] == [("127.0.0.1", os.getuid())]


async def test_a_server_of_another_vconsole_is_left_to_it(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "servers").mkdir()
    monkeypatch.setenv(tree.HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv(tree.TAG_VARIABLE, "main-1")
    started.append(forged.server_like_vllm(tmp_path, "m", free_port()))
    with pytest.raises(VConsoleError, match="another vconsole") as refused:
        await adoption.inspect(started[0].pid, frozenset())
    assert refused.value.kind == "another_vconsole"
    # One whose vconsole is no more may be taken, and is still known by the tag that it carries.
    (tmp_path / "servers").rmdir()
    found = await adoption.inspect(started[0].pid, frozenset())
    assert found.run.tag == "main-1"
