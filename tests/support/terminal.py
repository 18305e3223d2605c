"""A real terminal of a given size: tmux on a socket of its own, driven by keys and read as text."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import signal
import struct
import subprocess
import termios
import threading
import uuid

from tests.support.home import SCRIPT, Home, wait_until

PASSED_ON = ("XDG_", "VCONSOLE", "NVML_", "OLLAMA_", "LD_LIBRARY_PATH")


class Client:
    """A tmux client on a pseudo-terminal, whose keyboard and mouse are ours."""

    def __init__(self, label: str, width: int, height: int) -> None:
        self._fd, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._process = subprocess.Popen(
            ["tmux", "-L", label, "attach"],
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(side)
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def wait(self) -> int:
        """Its exit code, once it is detached or its server has gone."""
        code = self._process.wait(20)
        self._reader.join()
        os.close(self._fd)
        return code

    def _drain(self) -> None:
        """Take what it draws, so that it is never held up."""
        try:
            while os.read(self._fd, 65536):
                pass
        except OSError:
            return


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

    def wait_for(self, *texts: str, timeout_s: float = 20.0) -> None:
        """Until one screen shows all of `texts`."""

        def shown() -> bool:
            screen = self.screen()
            return all(text in screen for text in texts)

        try:
            wait_until(f"{texts} on the screen", shown, timeout_s)
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

    def attach(self, width: int, height: int) -> Client:
        """A user who looks at it from a terminal of that size."""
        return Client(self._label, width, height)

    def detach(self) -> None:
        """Send every client away, as a closed laptop does."""
        session = self._tmux("display-message", "-p", "#{session_name}").strip()
        self._tmux("detach-client", "-s", session)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._label, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout
