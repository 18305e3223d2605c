"""Each check of the doctor against scenes made by hand: what it says, and what counts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from tests.support.forged_engine import forge_engine
from vconsole.engine.environment import FlashInferVersions
from vconsole.engine.find import Engine, engine_of
from vconsole.engine.installing.driver import GpuFacts
from vconsole.engine.metrics.figures import Scrape
from vconsole.errors import VConsoleError
from vconsole.host.condition import Condition, Disk, clock_synchronised, read_condition
from vconsole.host.readings import Gpu, GpuProcess
from vconsole.models.fit.plan import Plan, ProposedFlag, Verdict
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.doctor import fixing
from vconsole.supervisor.doctor.check import Check, Examination, Fix, State
from vconsole.supervisor.doctor.examine import TABLE, examine
from vconsole.supervisor.doctor.fixing import carry_out
from vconsole.supervisor.doctor.gains import Gain, keep_gain, measured_gains
from vconsole.supervisor.doctor.online import Online
from vconsole.supervisor.doctor.scene import Scene
from vconsole.supervisor.model import (
    ErrorBody,
    Operation,
    OperationState,
    ServerState,
    ServerStatus,
    StartRequest,
    Status,
)

GIB = 2**30
DRIVER = GpuFacts("NVIDIA GeForce RTX 4080", "580.65", (13, 0), (8, 9))
CARD = Gpu(
    0,
    name="NVIDIA GeForce RTX 4080",
    memory_total_bytes=16 * GIB,
    memory_used_bytes=15 * GIB,
    persistence_mode=True,
    pcie_width=16,
    pcie_width_max=16,
    processes=(GpuProcess(10, "VLLM::EngineCore", "me", 14 * GIB, "ours"),),
)
FLASHINFER = FlashInferVersions("0.7.2", "0.7.2", "0.7.2+cu130")
STARTED = (
    "Using FLASHINFER attention backend out of potential backends: ['FLASHINFER'].",
    "Graph capturing finished in 11 secs, took 0.34 GiB",
)
COMMAND = ("vllm", "serve", "m", "--host", "127.0.0.1", "--gpu-memory-utilization", "0.92")
HEALTHY_HOST = Condition(
    memory_total_bytes=64 * GIB,
    memory_available_bytes=48 * GIB,
    swap_total_bytes=0,
    swap_used_bytes=0,
    shm=Disk(Path("/dev/shm"), 16 * GIB, 32 * GIB),
    models=Disk(Path("/models"), 200 * GIB, 500 * GIB),
    logs=Disk(Path("/logs"), 200 * GIB, 500 * GIB),
    open_files=65536,
    open_files_hard=65536,
    clock_synchronised=True,
    user="me",
    systemd_booted=True,
    lingers=True,
)


def engine(device: str = "cuda", flashinfer: FlashInferVersions = FLASHINFER) -> Engine:
    home = Path("/opt/engine")
    return Engine(home / "bin/python", "0.32.0", device, home, "settings", flashinfer=flashinfer)


def server(*flags: str, plan: Plan | None = None) -> ServerStatus:
    return ServerStatus(
        "main",
        ServerState.READY,
        url="http://127.0.0.1:8000",
        engine_version="0.32.0",
        engine_device="cuda",
        command=(*COMMAND, *flags),
        plan=plan,
    )


SCENE = Scene(
    condition=HEALTHY_HOST,
    engine=engine(),
    gpu=DRIVER,
    gpus=(CARD,),
    server=server(),
    said=STARTED,
    scrape=Scrape(prefix_caching=True, prefix_cache_queries=100.0, prefix_cache_hits=71.0),
)


def check(scene: Scene, name: str) -> Check:
    return next(one for one in examine(scene).checks if one.name == name)


def test_a_host_on_which_all_is_well_has_the_whole_score() -> None:
    found = examine(SCENE)
    wrong = [c for c in found.checks if c.status not in (State.OK, State.NOT_APPLICABLE)]
    assert [(c.name, c.detail) for c in wrong if c.name != "python"] == []
    assert found.score == 1.0
    assert found.arithmetic == f"{found.in_place} of {found.optimisations} optimisations in place"
    assert found.optimisations == sum(row.optimisation for row in TABLE)


def test_what_is_missing_is_counted_and_named_with_gain_and_remedy() -> None:
    scene = replace(SCENE, server=server("--enforce-eager", "--no-enable-chunked-prefill"))
    found = examine(scene)
    assert found.missing == ("cuda-graphs", "chunked-prefill")
    assert found.in_place == found.optimisations - 2
    for one in found.checks:
        if one.name in found.missing:
            assert one.gain
            assert one.remedy


def test_without_an_engine_there_is_no_score_of_it() -> None:
    scene = Scene(condition=HEALTHY_HOST, gpu_note="no NVIDIA driver on this host")
    found = examine(scene)
    assert check(scene, "engine").status is State.BAD
    assert check(scene, "engine").remedy == "install one: vconsole engine install"
    assert (found.score, found.arithmetic) == (None, "no optimisation applies here")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"gpu": GpuFacts("Tesla V100", "470.1", (11, 4), (7, 0))}, State.OK, "good enough"),
        ({"gpu": None, "gpu_note": "no NVIDIA driver on this host"}, State.BAD, "no NVIDIA driver"),
        ({"engine": engine("cpu")}, State.WARNING, "lies idle"),
        ({"engine": engine("cpu"), "gpu": None}, State.NOT_APPLICABLE, "needs none"),
    ],
)
def test_driver(change: dict[str, object], status: State, words: str) -> None:
    found = check(replace(SCENE, **change), "driver")  # type: ignore[arg-type]
    assert found.status is status
    assert words in found.detail


def test_a_driver_too_old_for_the_torch_of_the_engine(tmp_path: Path) -> None:
    made = engine_of(forge_engine(tmp_path / "engine"), "settings")
    old = GpuFacts("NVIDIA GeForce RTX 4080", "550.1", (12, 4), (8, 9))
    found = check(replace(SCENE, engine=made, gpu=old), "driver")
    assert found.status is State.BAD
    assert "this vLLM needs CUDA 13" in found.detail


@pytest.mark.parametrize(
    ("flashinfer", "installed", "kernels"),
    [
        (FLASHINFER, State.OK, State.OK),
        (FlashInferVersions("0.7.2", "0.6.13", None), State.BAD, State.OK),
        (FlashInferVersions("0.7.2", None, None), State.OK, State.BAD),
        (FlashInferVersions(), State.BAD, State.NOT_APPLICABLE),
    ],
)
def test_flashinfer(flashinfer: FlashInferVersions, installed: State, kernels: State) -> None:
    scene = replace(SCENE, engine=engine(flashinfer=flashinfer))
    assert check(scene, "flashinfer").status is installed
    assert check(scene, "flashinfer-kernels").status is kernels


def test_missing_kernels_are_mended_by_the_engines_own_command() -> None:
    scene = replace(SCENE, engine=engine(flashinfer=FlashInferVersions("0.7.2", None, None)))
    found = check(scene, "flashinfer-kernels")
    assert found.fix is not None
    assert found.fix.command[-1] == "download-kernels"
    assert found.fix.restarts
    assert "no nvcc and ninja here" in found.detail
    tools = replace(HEALTHY_HOST, nvcc="/usr/local/cuda/bin/nvcc", ninja="/usr/bin/ninja")
    found = check(replace(scene, condition=tools), "flashinfer-kernels")
    assert found.status is State.WARNING
    assert "compiled at first use" in found.detail


def test_what_a_fix_brought_is_told_as_measured() -> None:
    keep_gain("flashinfer-kernels", Gain(1000.0, 1180.0, datetime(2026, 11, 24, tzinfo=UTC)))
    found = check(replace(SCENE, gains=measured_gains()), "flashinfer-kernels")
    assert found.gain == "measured 2026-11-24: 1,000 to 1,180 tokens/s (+18%)"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (STARTED, State.OK),
        (("Using FlashInfer for top-p & top-k sampling.",), State.OK),
        (("FlashInfer kernels are disabled: flashinfer-cubin is not installed",), State.WARNING),
        (("Using FLASH_ATTN attention backend out of potential backends: [].",), State.UNKNOWN),
        ((), State.UNKNOWN),
    ],
)
def test_flashinfer_is_used_as_the_log_says(said: tuple[str, ...], status: State) -> None:
    assert check(replace(SCENE, said=said), "flashinfer-used").status is status


@pytest.mark.parametrize(
    "flags",
    [
        ("--enforce-eager",),
        ("-O0",),
        ("--compilation-config", '{"cudagraph_mode": "NONE"}'),
    ],
)
def test_cuda_graphs_switched_off(flags: tuple[str, ...]) -> None:
    found = check(replace(SCENE, server=server(*flags)), "cuda-graphs")
    assert found.status is State.WARNING
    assert flags[0] in found.detail


def test_the_share_of_the_card_against_what_others_leave() -> None:
    assert check(SCENE, "memory-utilization").status is State.OK
    low = replace(SCENE, server=server("--gpu-memory-utilization", "0.50"))
    found = check(low, "memory-utilization")
    assert found.remedy == "start it again with --gpu-memory-utilization 0.95"
    assert found.gain == "computed: 7.2 GiB more for the KV cache"


def test_the_share_and_the_requests_against_the_plan() -> None:
    flags = (
        ProposedFlag("--gpu-memory-utilization", "0.90", "a desktop is on the card"),
        ProposedFlag("--max-num-seqs", "64", "so many fit"),
    )
    plan = Plan(Verdict.FITS, flags=flags)
    scene = replace(SCENE, server=server("--max-num-seqs", "16", plan=plan))
    assert "the plan: 0.90" in check(scene, "memory-utilization").detail
    found = check(scene, "max-num-seqs")
    assert found.remedy == "start it again with --max-num-seqs 64"
    assert found.gain == "computed: up to 4.0 times the requests at once"


def test_requests_that_wait_though_there_is_room() -> None:
    scrape = Scrape(requests_waiting=5.0, kv_cache_usage=0.2)
    found = check(
        replace(SCENE, server=server("--max-num-seqs", "8"), scrape=scrape), "max-num-seqs"
    )
    assert found.status is State.WARNING
    assert "5 requests wait behind 8" in found.detail


def test_tenants_are_named_with_what_they_hold_and_the_way_out() -> None:
    ollama = GpuProcess(77, "ollama", "ollama", 3 * GIB, "ollama")
    card = replace(CARD, processes=(*CARD.processes, ollama))
    found = check(replace(SCENE, gpus=(card,)), "tenants")
    assert found.detail == "ollama (pid 77, ollama) 3.0 GiB"
    assert found.remedy == "end what is not needed: vconsole ollama unload"
    assert found.gain == "computed: 3.0 GiB more for the KV cache"


def test_persistence_mode_is_mended_by_root_only() -> None:
    scene = replace(SCENE, gpus=(replace(CARD, persistence_mode=False),))
    assert check(scene, "persistence-mode").remedy == "sudo nvidia-smi -pm 1"
    assert not check(scene, "persistence-mode").fixable
    root = replace(scene, condition=replace(HEALTHY_HOST, is_root=True))
    assert check(root, "persistence-mode").fixable


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({"models": Disk(Path("/m"), GIB // 4, 9 * GIB)}, "models-disk", State.BAD),
        ({"models": Disk(Path("/m"), 5 * GIB, 9 * GIB)}, "models-disk", State.WARNING),
        ({"logs": Disk(Path("/l"))}, "logs-disk", State.UNKNOWN),
        ({"memory_available_bytes": GIB // 2}, "memory", State.BAD),
        ({"swap_total_bytes": 8 * GIB, "swap_used_bytes": 6 * GIB}, "swap", State.WARNING),
        ({"open_files": 1024, "open_files_hard": 1024}, "file-limit", State.WARNING),
        ({"open_files": 1024, "open_files_hard": 1048576}, "file-limit", State.OK),
        ({"processes": 512}, "process-limit", State.WARNING),
        ({"shm": Disk(Path("/dev/shm"), 2**26, 2**26)}, "shared-memory", State.WARNING),
        ({"clock_synchronised": False}, "clock", State.WARNING),
        ({"clock_synchronised": None}, "clock", State.UNKNOWN),
        ({"lingers": False}, "linger", State.WARNING),
        ({"systemd_booted": False}, "linger", State.NOT_APPLICABLE),
    ],
)
def test_the_machine(change: dict[str, object], name: str, status: State) -> None:
    scene = replace(SCENE, condition=replace(HEALTHY_HOST, **change))  # type: ignore[arg-type]
    found = check(scene, name)
    assert found.status is status
    assert status in (State.OK, State.UNKNOWN, State.NOT_APPLICABLE) or found.remedy


def test_exposure_and_a_taken_port() -> None:
    open_to_all = replace(server(), command=("vllm", "serve", "m", "--host", "0.0.0.0"))
    assert check(replace(SCENE, server=open_to_all), "exposure").status is State.WARNING
    taken = replace(SCENE, server=None, port_taken=True)
    assert check(taken, "port").remedy == (
        "see whose: ss -ltnp 'sport = :8000'; or start with --port 8001"
    )


def test_online_tells_a_newer_engine_and_a_refused_token() -> None:
    online = Online(True, "the Hub answers", token_refused=True, newest="0.33.0")
    scene = replace(SCENE, online=online)
    assert check(scene, "newer-engine").remedy == "vconsole engine upgrade"
    assert check(scene, "hub").status is State.WARNING
    same = replace(online, newest="0.32.0", token_refused=False, hub_user="ada")
    assert check(replace(SCENE, online=same), "newer-engine").status is State.OK
    assert "as ada" in check(replace(SCENE, online=same), "hub").detail


def test_a_fix_that_fails_says_the_last_line(tmp_path: Path) -> None:
    python = forge_engine(tmp_path / "engine", script="echo no network >&2; exit 3")
    fix = Fix("install kernels", (str(python.parent / "vllm"), "download-kernels"))
    with pytest.raises(VConsoleError, match="could not install kernels: no network"):
        carry_out(fix)


@pytest.mark.parametrize(
    ("flags", "name", "changes", "undo"),
    [
        (("--enforce-eager",), "cuda-graphs", "--no-enforce-eager", "--enforce-eager"),
        (
            ("--no-enable-chunked-prefill",),
            *("chunked-prefill", "--enable-chunked-prefill", "--no-enable-chunked-prefill"),
        ),
        (
            ("--gpu-memory-utilization", "0.50"),
            *("memory-utilization", "--gpu-memory-utilization 0.95"),
            "--gpu-memory-utilization 0.50",
        ),
    ],
)
def test_what_flags_hold_back_is_mended_by_a_restart_with_others(
    flags: tuple[str, ...], name: str, changes: str, undo: str
) -> None:
    started = replace(server(), command=(*COMMAND[:5], *flags))
    found = check(replace(SCENE, server=started), name)
    assert found.status is State.WARNING
    assert found.fixable
    assert found.fix is not None
    assert (" ".join(found.fix.changes), " ".join(found.fix.undo)) == (changes, undo)
    assert f"The server is started again with {changes}." in found.fix.effects
    assert found.fix.restarts


class Restarting:
    """A stand-in for the supervisor's client whose server does not start with other flags."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def server(self, name: str) -> ServerStatus:
        return server()

    def restart(self, name: str, changes: tuple[str, ...]) -> Operation:
        self.asked.append(("restart", changes))
        return operation("op-1")

    def start(self, name: str, request: StartRequest) -> Operation:
        self.asked.append(("start", request.change))
        return operation("op-2")

    def watch(self, name: str) -> Iterator[Status]:
        error = ErrorBody("failed", "out of memory", "lower it")
        failed = replace(operation("op-1", OperationState.FAILED), error=error)
        fine = operation("op-2", OperationState.DONE)
        yield Status(server(), operations=(failed if len(self.asked) == 1 else fine,))


def operation(id: str, state: OperationState = OperationState.RUNNING) -> Operation:
    return Operation(id, "restart", "main", state, datetime(2026, 11, 3, tzinfo=UTC))


def test_a_start_that_fails_with_the_new_flags_is_made_up_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fixing, "server_speed", lambda _: 100.0)
    client, said = Restarting(), list[str]()
    found = check(replace(SCENE, server=server("--enforce-eager")), "cuda-graphs")
    with pytest.raises(VConsoleError, match="runs as before: out of memory"):
        fixing.carry_out_measured(cast("SupervisorClient", client), "main", found, said.append)
    assert client.asked == [("restart", ("--no-enforce-eager",)), ("start", ("--enforce-eager",))]
    assert measured_gains() == {}


def test_a_measured_gain_is_told_while_its_check_is_well() -> None:
    gain = Gain(100, 130, datetime(2026, 11, 3, tzinfo=UTC))
    found = check(replace(SCENE, gains={"prefix-caching": gain}), "prefix-caching")
    assert (found.status, found.gain) == (State.OK, gain.words)


def test_limits_are_those_of_the_process_that_serves(tmp_path: Path) -> None:
    limited = "import resource, time; resource.setrlimit(resource.RLIMIT_NOFILE, (77, 777));"
    with subprocess.Popen(
        [sys.executable, "-c", f"{limited} print('set', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = read_condition(tmp_path, tmp_path, child.pid)
        child.kill()
    assert (found.open_files, found.open_files_hard) == (77, 777)


def test_this_machine_is_read_whole(tmp_path: Path) -> None:
    found = read_condition(tmp_path / "not" / "there", tmp_path)
    assert found.models.free_bytes == pytest.approx(found.logs.free_bytes, rel=0.01)
    assert found.memory_total_bytes
    assert found.user
    assert clock_synchronised() in (True, False)


def test_the_score_of_nothing_is_none() -> None:
    assert Examination(()).score is None
