"""Completion as a user has it: the script sourced in the shell itself, and the tab key pressed."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import SCRIPT, wait_until

pytestmark = pytest.mark.terminal

# How each shell starts without anybody's settings, and takes the script in.
SHELLS = {
    "bash": ("bash --norc --noprofile -i", "source vconsole.complete"),
    "zsh": ("zsh -f -i", "autoload -U compinit; compinit -u -D; source vconsole.complete"),
    "fish": ("fish --no-config -i", "source vconsole.complete"),
}
PATIENCE_S = 60.0


class Shell:
    """A shell in a tmux pane of its own."""

    def __init__(self, command: str, folder: Path) -> None:
        self._label = f"vconsole-{uuid.uuid4().hex[:8]}"
        path = f"PATH={SCRIPT.parent}:/usr/bin:/bin"
        variables = f"{path} HOME={folder} XDG_CONFIG_HOME={folder} XDG_DATA_HOME={folder}"
        start = f"env {variables} PS1='> ' {command}"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30")
        self._tmux("respawn-pane", "-k", "-c", str(folder), start)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", "--", text)

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def wait_for(self, text: str) -> None:
        def shown() -> bool:
            return text in self._tmux("capture-pane", "-p")

        try:
            wait_until(text, shown, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._tmux('capture-pane', '-p')}") from None

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._label, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._label, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """A shell that has taken in the script of `vconsole completion`."""
    name: str = request.param
    script = subprocess.run(
        [str(SCRIPT), "completion", name], capture_output=True, text=True, check=True
    )
    assert script.stderr == ""
    (tmp_path / "vconsole.complete").write_text(script.stdout)
    profiles = tmp_path / "vconsole" / "profiles.toml"
    profiles.parent.mkdir()
    profiles.write_text('[nightly]\nmodel = "demo"\n')
    command, take_in = SHELLS[name]
    made = Shell(command, tmp_path)
    try:
        made.type(f"{take_in}; echo taken $((20 + 1)) in\n" if name != "fish" else f"{take_in}; ")
        if name == "fish":
            made.type("echo taken (math 20 + 1) in\n")
        made.wait_for("taken 21 in")
        yield made
    finally:
        made.close()


def test_tab_completes_commands_their_verbs_and_options(shell: Shell) -> None:
    shell.type("vconsole rep")
    shell.press("Tab")
    shell.wait_for("vconsole report")
    shell.type("--sin")
    shell.press("Tab")
    shell.wait_for("vconsole report --since")
    shell.press("C-u")
    shell.type("vconsole monitoring ex")
    shell.press("Tab")
    shell.wait_for("vconsole monitoring export")


def test_tab_completes_profiles_where_a_model_is_wanted(shell: Shell) -> None:
    shell.type("vconsole start nig")
    shell.press("Tab")
    shell.wait_for("vconsole start nightly")


def test_tab_offers_all_that_fit(shell: Shell) -> None:
    shell.type("vconsole st")
    shell.press("Tab")
    shell.press("Tab")
    for command in ("start", "status", "stop"):
        shell.wait_for(command)
