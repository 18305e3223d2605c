"""Every card that NVML can show, read through the real nvidia-ml-py from the stand-in."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nvml.scene import Scene, processes_named
from vconsole.host.cuda import cuda_facts
from vconsole.host.gpu import GpuReader
from vconsole.host.readings import Gpu, GpuReading

MIB = 2**20


def read(owned: frozenset[int] = frozenset(), foreign: frozenset[int] = frozenset()) -> GpuReading:
    with GpuReader() as reader:
        return reader.read(owned, foreign)


def test_a_desktop_card_is_read_whole(scene: Scene, named: dict[str, int]) -> None:
    scene.play("desktop", **named)
    reading = read(frozenset({named["vllm"]}))
    card = reading.gpus[0]
    assert reading.note is None
    assert card.state is None
    assert (card.name, card.compute_capability) == ("NVIDIA GeForce RTX 4080", (8, 9))
    assert (card.memory_total_bytes, card.memory_reserved_bytes) == (16376 * MIB, 414 * MIB)
    assert card.memory_used_bytes == 14020 * MIB
    assert card.memory_free_bytes == (16376 - 414 - 14020) * MIB
    assert (card.utilization, card.memory_utilization, card.temperature_c) == (0.92, 0.61, 71)
    assert (card.power_w, card.power_limit_w, card.energy_j) == (248.13, 320.0, 81234.567)
    assert (card.sm_clock_mhz, card.sm_clock_max_mhz) == (2745, 3105)
    assert (card.pcie_generation, card.pcie_width, card.pcie_width_max) == (4, 8, 16)
    assert card.throttle == ("power cap",)
    assert card.persistence_mode is False
    assert (card.ecc_enabled, card.mig_mode) == (None, None)
    # 716.8 GB/s is what NVIDIA gives for this card.
    assert card.memory_bandwidth_bytes_per_s == pytest.approx(716.8e9, rel=1e-3)


def test_each_process_is_named_with_its_owner(scene: Scene, named: dict[str, int]) -> None:
    scene.play("desktop", **named)
    card = read(frozenset({named["vllm"]})).gpus[0]
    shown = {p.name: (p.memory_bytes, p.owner, p.graphics, p.user) for p in card.processes}
    me = getpass.getuser()
    assert shown == {
        "Xorg": (312 * MIB, "other", True, me),
        # It draws and computes: NVML lists it twice with the same memory.
        "gnome-shell": (148 * MIB, "other", True, me),
        "vllm": (13496 * MIB, "ours", False, me),
    }
    assert read(foreign=frozenset({named["vllm"]})).gpus[0].processes[-1].owner == "foreign"


def test_ollama_is_known_by_its_name(scene: Scene, named: dict[str, int]) -> None:
    scene.play("ollama", **named)
    card = read().gpus[0]
    assert {p.owner: p.memory_bytes for p in card.processes}["ollama"] == 9_000_000_000


def test_eight_cards_of_three_users(scene: Scene, tmp_path: Path) -> None:
    # Who may not change users stands for all three; names are then the same.
    uids = (1, 2, 65534) if os.geteuid() == 0 else (os.geteuid(),) * 3
    tmp_path.chmod(0o755)
    people = ("alice", "bob", "carol")
    pids: dict[str, int] = {}
    users = [subprocess.run(["id", "-un", str(u)], capture_output=True, text=True) for u in uids]
    started = [
        subprocess.Popen(["/bin/sleep", "600"], user=uid if os.geteuid() == 0 else None)
        for uid in uids
    ]
    try:
        pids = {who: one.pid for who, one in zip(people, started, strict=True)}
        scene.play("eight_h100", **pids)
        reading = read(frozenset({pids["alice"]}), frozenset({pids["bob"]}))
    finally:
        for one in started:
            one.kill()
            one.wait()
    assert [gpu.index for gpu in reading.gpus] == list(range(8))
    assert len({gpu.uuid for gpu in reading.gpus}) == 8
    by_card = [[(p.user, p.owner) for p in gpu.processes] for gpu in reading.gpus]
    alice, bob, carol = (user.stdout.strip() for user in users)
    assert by_card == [
        *([[(alice, "ours")]] * 4),
        *([[(bob, "foreign")]] * 2),
        [(carol, "other")],
        [],
    ]
    assert reading.gpus[0].memory_bandwidth_bytes_per_s == pytest.approx(3.35e12, rel=2e-3)
    assert (reading.gpus[5].ecc_enabled, reading.gpus[5].ecc_corrected_errors) == (True, 3)
    assert (reading.gpus[0].mig_mode, reading.gpus[0].throttle) == (False, ())


def test_the_instances_of_a_card_in_mig_mode(scene: Scene, named: dict[str, int]) -> None:
    scene.play("mig", **named)
    card = read(frozenset({named["vllm"]})).gpus[0]
    assert card.mig_mode is True
    assert card.utilization is None
    assert [one.memory_used_bytes for one in card.mig_instances] == [30060 * MIB, 60 * MIB]
    assert card.mig_instances[1].name == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    # The card keeps its list to itself; a process on both instances counts with both.
    (process,) = card.processes
    assert (process.pid, process.memory_bytes) == (named["vllm"], 30040 * MIB)


def test_a_lost_card_is_one_of_several(scene: Scene) -> None:
    scene.play("lost")
    reading = read()
    assert [gpu.temperature_c for gpu in reading.gpus] == [40, None, 42]
    assert [gpu.state for gpu in reading.gpus] == [None, "lost: it has fallen off the bus", None]
    assert reading.note == "GPU 1 is lost: it has fallen off the bus"
    assert cuda_facts() is not None


def test_a_card_lost_while_it_is_watched_keeps_its_name_and_comes_back(scene: Scene) -> None:
    scene.play("lost")
    scene.change("lost = 1\n", "")
    reader = GpuReader(retry_s=0.0)
    before = reader.read().gpus[1]
    scene.change("celsius = 41\n", "celsius = 41\nlost = 1\n")
    lost = reader.read().gpus[1]
    assert (lost.name, lost.uuid, lost.memory_total_bytes) == (
        *(before.name, before.uuid, before.memory_total_bytes),
    )
    assert lost.state
    assert (lost.memory_used_bytes, lost.processes) == (None, ())
    reader.read()
    scene.change("lost = 1\n", "")
    after = [reader.read().gpus[1] for _ in range(2)][-1]
    assert after == before
    reader.close()


def test_what_an_old_card_and_driver_do_not_know_is_none(scene: Scene) -> None:
    scene.play("unsupported")
    card = read().gpus[0]
    unknown = {
        name
        for name in Gpu.__dataclass_fields__
        if getattr(card, name) is None and name not in {"state"}
    }
    assert card.state is None
    assert {"utilization", "power_w", "power_limit_w", "sm_clock_mhz", "ecc_enabled"} < unknown
    assert {"mig_mode", "energy_j", "compute_capability", "pcie_width"} < unknown
    # Older functions answer where the newer ones are missing; they count reserved memory as used.
    assert (card.temperature_c, card.throttle) == (55, ("hardware thermal",))
    assert card.memory_reserved_bytes is None
    assert (card.memory_used_bytes, card.memory_free_bytes) == (1100 * MIB, 7092 * MIB)
    assert card.processes == ()


def test_processes_of_unknown_size(scene: Scene, named: dict[str, int]) -> None:
    scene.play("no_process_memory", **named)
    found = read().gpus[0].processes
    assert {p.name: p.memory_bytes for p in found} == {"Xorg": None, "vllm": None}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("driver_mismatch", "updated: its library and the loaded module differ until a reboot"),
        ("not_loaded", "installed but not loaded"),
    ],
)
def test_a_driver_that_cannot_be_used_says_why(scene: Scene, name: str, words: str) -> None:
    scene.play(name)
    reading = read()
    assert reading.gpus == ()
    assert words in (reading.note or "")
    assert cuda_facts() is None


def test_without_a_driver_there_are_no_cards(scene: Scene) -> None:
    assert not scene.path.exists()
    assert read() == GpuReading(note="no NVIDIA driver on this host")
    assert cuda_facts() is None


def test_any_error_of_the_driver_has_words(scene: Scene) -> None:
    for code in (2, 4, 9, 10, 18, 20, 27, 999, 12345):
        scene.write(f"init = !{code}\n")
        reading = read()
        assert reading.gpus == ()
        assert reading.note


def test_a_field_that_fails_does_not_take_the_card_along(scene: Scene) -> None:
    scene.play("lost")
    for code in (2, 10, 21, 27, 999):
        scene.write(f"[gpu]\nname = A\ntotal = 100\nused = 40\npower_mw = !{code}\ncelsius = 50\n")
        (card,) = read().gpus
        assert (card.power_w, card.temperature_c, card.state) == (None, 50, None)


def test_nvml_is_opened_once_and_again_after_an_error_without_a_leak(
    scene: Scene, named: dict[str, int]
) -> None:
    scene.play("desktop", **named)
    before = scene.opened_ever
    reader = GpuReader(retry_s=0.0)
    for _ in range(5):
        assert reader.read().note is None
    assert (scene.opened, scene.opened_ever - before) == (1, 1)
    scene.write("count = !999\n")
    for _ in range(3):
        assert "says" in (reader.read().note or "")
        assert scene.opened == 0
    scene.write("init = !18\n")
    assert "until a reboot" in (reader.read().note or "")
    scene.play("desktop", **named)
    assert len(reader.read().gpus) == 1
    reader.close()
    assert scene.opened == 0


def test_a_driver_that_failed_is_not_asked_at_every_beat(scene: Scene) -> None:
    scene.play("not_loaded")
    reader = GpuReader(retry_s=60.0)
    first = reader.read()
    scene.play("lost")
    assert reader.read() == first
    reader.close()


def test_a_name_is_looked_up_once_and_not_kept_for_a_recycled_pid(
    scene: Scene, named: dict[str, int], tmp_path: Path
) -> None:
    scene.play("desktop", **named)
    reader = GpuReader()
    reader.read()
    with processes_named(tmp_path, "later") as later:
        scene.change(f"{named['xorg']} ", f"{later['later']} ")
        assert "later" in {p.name for p in reader.read().gpus[0].processes}
    names = {p.pid: p.name for p in reader.read().gpus[0].processes}
    assert names[later["later"]] is None
    reader.close()


def test_another_process_finds_the_stand_in_by_the_library_path(
    scene: Scene, named: dict[str, int]
) -> None:
    scene.play("desktop", **named)
    script = (
        "from vconsole.host.gpu import GpuReader\nprint(GpuReader().read().gpus[0].name, end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **scene.variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "NVIDIA GeForce RTX 4080"
