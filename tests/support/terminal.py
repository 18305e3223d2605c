"""A real terminal of a given size: tmux on a socket of its own, driven by keys and read as text."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import uuid

from tests.support.home import SCRIPT, Home, wait_until

PASSED_ON = ("XDG_", "VCONSOLE", "NVML_", "OLLAMA_", "LD_LIBRARY_PATH")


class Terminal:
    """One tmux pane that runs `vconsole`; `close` ends it, whatever happened to what ran in it."""

    def __init__(self, home: Home, width: int, height: int, *arguments: str) -> None:
        self._label = f"vconsole-{uuid.uuid4().hex[:8]}"
        variables = [f"{k}={v}" for k, v in home.env.items() if k.startswith(PASSED_ON)]
        command = shlex.join(["env", *variables, "COLORTERM=truecolor", str(SCRIPT), *arguments])
        # The exit code stays on the screen after the console has left.
        shell = f"{command}; echo exit code $?; exec sleep 600"
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), shell)
        )

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def wait_for(self, text: str, timeout_s: float = 20.0) -> None:
        try:
            wait_until(f"{text!r} on the screen", lambda: text in self.screen(), timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen was:\n{self.screen()}") from error

    def console_pid(self) -> int:
        """The process of the console itself."""
        shell = int(self._tmux("list-panes", "-F", "#{pane_pid}").strip())
        children = subprocess.run(
            ["pgrep", "-P", str(shell), "-f", "bin/vconsole"],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(children.stdout.split()[0])

    def kill_console(self, number: signal.Signals) -> None:
        os.kill(self.console_pid(), number)

    def hang_up(self) -> None:
        """Close the terminal under the console, as a lost SSH line does."""
        self._tmux("kill-server")

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._label, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._label, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout
