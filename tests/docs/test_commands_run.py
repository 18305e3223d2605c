"""The commands of README and docs, run as they stand there, by a shell, on a real vLLM."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.batch.conftest import write_requests
from tests.conftest import Served
from tests.docs.commands import Shown, here
from tests.support.home import SCRIPT, wait_until
from vconsole import paths

pytestmark = pytest.mark.engine

PATIENCE_S = 180
DATA = Path(__file__).parents[1] / "unit" / "data" / "failures"
MODELS = paths.resources_dir() / "demo_models"
PROFILE = '[{name}]\nmodel = "demo"\n'
PROFILES = ("my-profile", "chat", "big", "small")
# What goes on until it is interrupted.
FOLLOWS = ("--watch", "-f", "serve-web")
# Not 0 alone: a machine may have something bad, and `head` leaves before the answer has ended.
OTHER_CODES = {
    "vconsole doctor": (0, 1),
    "vconsole ask 'Count to a thousand' | head -3": (0, 1),
}


@dataclass(frozen=True)
class Scene:
    """A folder for each page with the files that it names, and the variables of the shell."""

    folder: Path
    variables: dict[str, str]
    words: dict[str, str]

    def line(self, shown: Shown) -> str:
        """What stands for something, such as a job's id or the user's own socket, filled in."""
        line = shown.line
        for word, meant in self.words.items():
            line = line.replace(word, meant)
        return line

    def folder_of(self, shown: Shown) -> Path:
        folder = self.folder / shown.page.replace("/", "-")
        if not folder.exists():
            _furnish(folder)
        return folder

    def write_profiles(self, line: str) -> None:
        """All that the pages name, but the one that the command is about to make."""
        there = [name for name in PROFILES if f"profile save {name}" not in line]
        file = Path(self.variables["XDG_CONFIG_HOME"]) / "vconsole" / "profiles.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(PROFILE.format(name=name) for name in there))


def _furnish(folder: Path) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "vconsole").symlink_to(SCRIPT)
    (folder / "question.txt").write_text("Who are you?\n")
    (folder / "prompts.txt").write_text("Who are you?\nWhat is a lark?\n")
    write_requests(folder / "prompts.jsonl", 2, max_tokens=4)
    write_requests(folder / "requests.jsonl", 2, max_tokens=4)
    shutil.copy(DATA / "kv_cache_too_small.log", folder / "vllm.log")
    shutil.copytree(MODELS / "demo-lark", folder / "my-model")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)


@pytest.fixture(scope="module")
def scene(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("pages")
    waiting = write_requests(folder / "waiting.jsonl", 2)
    later = served.home.run(
        *("batch", "run", str(waiting), "-o", str(folder / "later.jsonl")),
        *("--not-before", "2999-01-01", "--detach", "--json"),
    )
    path = f"{SCRIPT.parent}{os.pathsep}{served.home.env['PATH']}"
    config = {"PATH": path, "XDG_CONFIG_HOME": str(folder / "config")}
    words = {
        " b1": f" {later.data['job']}",
        "~/.local/state/vconsole/supervisor.sock": str(served.home.socket),
        "/etc/prometheus/vconsole": str(folder / "prometheus"),
        "install PROFILE": "install my-profile",
    }
    yield Scene(folder, served.home.env | config, words)
    served.home.run("batch", "cancel", str(later.data["job"]))


@pytest.mark.parametrize("shown", here(), ids=lambda one: f"{one.page}: {one.line}")
def test_a_command_runs_as_it_is_shown(scene: Scene, shown: Shown) -> None:
    line, folder = scene.line(shown), scene.folder_of(shown)
    scene.write_profiles(line)
    if any(word in FOLLOWS for word in line.split()):
        follow(scene, folder, line)
        return
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=scene.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in OTHER_CODES.get(line, (0,)), f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def follow(scene: Scene, folder: Path, line: str) -> None:
    """It says something, goes on, and ends when it is interrupted."""
    told = folder / "told.txt"
    with told.open("w") as file:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=folder,
            env=scene.variables,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until("it says something", lambda: told.stat().st_size > 0, PATIENCE_S)
        assert process.poll() is None, told.read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) in (0, 130)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in told.read_text()
