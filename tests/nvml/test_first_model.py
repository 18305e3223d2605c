"""The first model of a GPU host, at a real terminal: who holds the card, Ollama unloaded, a start.

The driver, Ollama and vLLM are stand-ins; the commands, the supervisor and the terminal are real.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nvml.scene import Scene
from tests.support.home import Home
from tests.support.ollama_stand_in import OllamaStandIn, ollama_stand_in
from tests.support.terminal import Terminal
from vconsole.host.cuda import visible_cards
from vconsole.host.readings import Gpu

GB = 10**9
# Ends at once, as a server does that cannot reach the Hub.
VLLM = "#!{python}\nimport sys\nprint('ValueError: no such repository', flush=True)\nsys.exit(1)\n"


def forged_engine(root: Path) -> Path:
    """A stand-in for an environment that holds a vLLM for CUDA."""
    binaries, packages = root / "bin", root / "lib" / "python3.11" / "site-packages"
    binaries.mkdir(parents=True)
    (root / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    (binaries / "python").symlink_to(sys.executable)
    (binaries / "vllm").write_text(VLLM.format(python=sys.executable))
    (binaries / "vllm").chmod(0o755)
    info = packages / "vllm-0.32.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\n")
    return root


@dataclass
class Host:
    home: Home
    scene: Scene
    ollama: OllamaStandIn
    terminal: Terminal | None = None

    def demo(self) -> Terminal:
        self.terminal = Terminal(self.home, 110, 40, "demo")
        return self.terminal


@pytest.fixture
def host(tmp_path: Path, scene: Scene, named: dict[str, int]) -> Iterator[Host]:
    """An RTX 4080 whose memory is Ollama's by 9 GB, and a vLLM for CUDA that was never used."""
    scene.play("ollama", **named)

    def let_go(_: str) -> None:
        text = scene.text.replace(f"compute = {named['ollama']} 9000000000\n", "")
        shrunk = text.replace("used = 9209715200", "used = 209715200")
        timer = threading.Timer(0.7, scene.write, [shrunk])
        timer.start()

    with ollama_stand_in(llama3_8b=9 * GB) as ollama:
        ollama.unloading = let_go
        home = Home(tmp_path, str(forged_engine(tmp_path / "engine")))
        home.env |= {**scene.variables, "OLLAMA_HOST": ollama.url}
        made = Host(home, scene, ollama)
        yield made
        if made.terminal:
            made.terminal.close()
        home.close()


@pytest.mark.terminal
def test_ollama_is_named_unloaded_and_the_proposal_grows(host: Host) -> None:
    terminal = host.demo()
    terminal.wait_for("start (y, d, n, u) [d]:")
    screen = terminal.screen()
    assert "GPU 0: NVIDIA GeForce RTX 4080, 7.0 GiB of 16.0 GiB free" in screen
    assert "ollama (pid" in screen
    assert "holds 8.4 GiB" in screen
    assert "Xorg (pid" in screen
    assert "proposed: Qwen/Qwen2.5-1.5B-Instruct" in screen
    assert "u  first unload llama3:8b from Ollama, which frees 8.4 GiB" in screen

    terminal.type("u\n")
    terminal.wait_for("unloaded llama3:8b from Ollama")
    terminal.wait_for("15.4 GiB of 16.0 GiB free")
    terminal.wait_for("start (y, d, n) [d]:")
    assert "proposed: Qwen/Qwen2.5-7B-Instruct-AWQ" in terminal.screen()
    assert host.ollama.loaded == {}

    terminal.type("y\n")
    terminal.wait_for("exit code 1")
    assert "vconsole start demo" in terminal.screen()
    server = host.home.status()["server"]
    assert (server["state"], server["model"]) == ("failed", "Qwen/Qwen2.5-7B-Instruct-AWQ")
    flags = server["command"]
    assert flags[flags.index("--max-model-len") + 1] == "16384"


@pytest.mark.terminal
def test_nothing_is_started_when_nothing_is_wanted(host: Host) -> None:
    terminal = host.demo()
    terminal.wait_for("start (y, d, n, u) [d]:")
    terminal.type("n\n")
    terminal.wait_for("exit code 130")
    assert host.home.status()["server"]["state"] == "stopped"
    assert list(host.ollama.loaded) == ["llama3:8b"]


@pytest.mark.terminal
def test_memory_that_does_not_come_back_is_said(host: Host) -> None:
    host.ollama.unloading = lambda _: None
    terminal = host.demo()
    terminal.wait_for("start (y, d, n, u) [d]:")
    terminal.type("u\n")
    terminal.wait_for("the driver shows only 0.0 GiB of it free after a while", timeout_s=30)
    terminal.wait_for("start (y, d, n) [d]:")
    assert "proposed: Qwen/Qwen2.5-1.5B-Instruct" in terminal.screen()


@pytest.mark.terminal
def test_an_ollama_that_cannot_be_asked_and_a_lost_card_are_said(host: Host) -> None:
    host.home.env["OLLAMA_HOST"] = "127.0.0.1:9"
    lost = "\n[gpu]\nname = NVIDIA L40S\nlost = 1\n"
    host.scene.write(host.scene.text + lost)
    terminal = host.demo()
    terminal.wait_for("start (y, d, n) [d]:")
    screen = terminal.screen()
    assert "GPU 1 is lost: it has fallen off the bus" in screen
    assert "no Ollama answers at http://127.0.0.1:9; OLLAMA_HOST says where" in screen


@pytest.mark.terminal
def test_the_freest_of_several_cards_is_the_one_that_is_used(host: Host) -> None:
    busy = host.scene.text
    host.scene.write(
        f"{busy}[gpu]\nname = NVIDIA L40S\nuuid = GPU-two\ntotal = {48 * GB}\nused = {GB}\n"
        f"capability = 8 9\n"
    )
    terminal = host.demo()
    terminal.wait_for("GPU 1: NVIDIA L40S")
    terminal.wait_for("proposed: Qwen/Qwen2.5-32B-Instruct-AWQ")
    terminal.type("y\n")
    terminal.wait_for("exit code 1")
    kept = (host.home.state / "servers" / "main" / "environment.json").read_text()
    assert '"CUDA_VISIBLE_DEVICES":"1"' in kept
    assert '"CUDA_DEVICE_ORDER":"PCI_BUS_ID"' in kept


def test_visible_cards_are_those_that_cuda_would_see() -> None:
    cards = tuple(Gpu(index, uuid=f"GPU-{index}abc") for index in range(3))
    first, second, third = cards
    assert visible_cards(cards, None) == cards
    assert visible_cards(cards, "2, 0") == (third, first)
    assert visible_cards(cards, "GPU-1") == (second,)
    assert visible_cards(cards, "1,7,0") == (second,)
    assert visible_cards(cards, "") == visible_cards(cards, "-1") == ()
