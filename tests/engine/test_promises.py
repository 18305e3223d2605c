"""Every promise to users' scripts, kept on a real vLLM: one test walks the table of promises.py."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from tests.conftest import Served
from tests.engine.promises import (
    CATALOGUE,
    EITHER,
    OPTIONS,
    PROFILE,
    ROWS,
    RUNNING_START,
    SERVERS,
    SETTINGS,
    Row,
)
from tests.support.home import Home, Ran, free_port, wait_until
from vconsole import paths
from vconsole.cli.app import vconsole
from vconsole.errors import ExitCode

pytestmark = pytest.mark.engine

FAILED_LOG = Path(__file__).parents[1] / "unit/data/failures/kv_cache_too_small.log"
MODEL = paths.resources_dir() / "demo_models" / "demo-lark"
PATIENCE_S = 300.0
FOLDERS = {
    "config": "CONFIG",
    "profiles": "CONFIG",
    "state": "STATE",
    "socket": "STATE",
    "data": "DATA",
    "cache": "CACHE",
}
REFUSED = {
    "custom_id": "r0",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10**9},
}
# Keys of JSON whose last word says what they hold.
NUMBERS = ("_bytes", "_s", "_ms", "_per_s", "_wh")


class Walk:
    """The users, what the rows fill in, and the promises found broken so far."""

    def __init__(self, served: Served, folder: Path) -> None:
        bare = Home(folder / "bare", served.home.env["VCONSOLE_ENGINE"])
        self.homes = {"shared": served.home, "bare": bare}
        (folder / "prompts.txt").write_text("Who are you?\nWhat is a lark?\nHello\n")
        (folder / "bad").write_text(json.dumps(REFUSED) + "\n")
        self.filled = {
            "folder": str(folder),
            "prompts": str(folder / "prompts.txt"),
            "answers": str(folder / "answers.jsonl"),
            "bad": str(folder / "bad"),
            "failed_log": str(FAILED_LOG),
            "model": str(MODEL),
            "url": served.url,
            "pid": str(os.getpid()),
            "port": str(free_port()),
            "taken": served.url.rpartition(":")[2],
        }
        self.broken: list[str] = []

    def take(self, row: Row) -> None:
        """Run a row, and note what it does not keep."""
        home = self.homes[row.home]
        line = row.command.format(**self.filled)
        ran = home.run(*shlex.split(line), timeout_s=PATIENCE_S)
        for fault in faults(row, ran):
            self.broken.append(f"vconsole {line}: {fault}")
        if "--detach" in row.command and ran.code == 0:
            self.filled["job"] = str(ran.data["job"])

    def close(self) -> None:
        self.homes["bare"].close()


def faults(row: Row, ran: Ran) -> Iterator[str]:
    """What the row promises and the run did not keep."""
    codes = {0, 1} if row.code == EITHER else {row.code}
    if ran.code not in codes:
        yield f"exit code {ran.code}, not {row.code}: {ran.err.strip()[-300:]}"
        return
    if "Traceback" in ran.err + ran.out:
        yield "a traceback"
    if row.keys.startswith("error.") and not ran.err.startswith("error: "):
        yield f"stderr does not begin with `error: `: {ran.err[:80]!r}"
    texts = ran.out.splitlines() if row.lines else [ran.out]
    if not texts:
        yield "no line at all"
    for text in texts:
        try:
            data = json.loads(text)
        except json.JSONDecodeError:
            yield f"no JSON but {text[:300]!r}"
            continue
        for key in row.keys.split():
            if not has(data, key.split(".")):
                yield f"no {key} in {text[:300]}"
        yield from misnamed(data)


def has(data: Any, path: list[str]) -> bool:
    """Whether the key is there; of a list in each member, and null ends what can be promised."""
    if data is None or not path:
        return True
    name, *rest = path
    if name.endswith("[]"):
        found = data.get(name[:-2]) if isinstance(data, dict) else None
        return isinstance(found, list) and all(has(member, rest) for member in found)
    return isinstance(data, dict) and name in data and has(data[name], rest)


def misnamed(data: Any, name: str = "") -> Iterator[str]:
    """Values that are not what the end of their name says: units, and instants in UTC."""
    if isinstance(data, dict):
        for key, value in data.items():
            # Where a figure is from, by the figure's name: words, whatever the name ends in.
            if key != "sources":
                yield from misnamed(value, key)
    elif isinstance(data, list):
        for value in data:
            yield from misnamed(value, name)
    elif data is not None and name.endswith("_at"):
        if datetime.fromisoformat(str(data)).utcoffset() != timedelta(0):
            yield f"{name} is not an instant in UTC: {data}"
    elif data is not None and name.endswith(NUMBERS) and not isinstance(data, int | float):
        yield f"{name} is no number: {data!r}"


@contextmanager
def followed(home: Home, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = home.popen(*arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_every_promise_of_the_command_line_is_kept(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Commands, options, keys, exit codes, settings and files; all that is broken is told."""
    folder = tmp_path_factory.mktemp("promises")
    walk = Walk(served, folder)
    bare = walk.homes["bare"]
    try:
        walk.broken += faults(Row("start demo --json", RUNNING_START), served.start)
        for row in ROWS:
            walk.take(row)
        walk.broken += options_missing()
        walk.broken += settings_missing(bare)
        walk.broken += files_missing(bare)
        walk.broken += without_a_server(bare)
        walk.broken += interrupted(served.home)
        walk.broken += words_kept(served.home, bare)
    finally:
        walk.close()
    assert walk.broken == []


def options_missing() -> Iterator[str]:
    """By the tree of commands itself: what `--help` prints is made of it."""
    for line, options in OPTIONS.items():
        command: click.Command | None = vconsole
        for word in line.split():
            assert isinstance(command, click.Group), line
            command = command.get_command(click.Context(command), word)
        if command is None:
            yield f"there is no vconsole {line}"
            continue
        there = {opt for one in command.params for opt in (*one.opts, *one.secondary_opts)}
        yield from (
            f"vconsole {line} has no {each}" for each in options.split() if each not in there
        )
        if line in SERVERS.split() and "--name" not in there:
            yield f"vconsole {line} has no --name"


def settings_missing(home: Home) -> Iterator[str]:
    """Each is there; the file goes before what is built in, the environment before the file."""
    listed = home.run("config", "show", "--json").data["settings"]
    yield from (f"no setting {key}" for key in SETTINGS.split() if key not in listed)
    file = Path(home.env["XDG_CONFIG_HOME"]) / "vconsole" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[prices]\nkwh = 0.5\ncurrency = 'EUR'\n")
    home.env["VCONSOLE_PRICES_CURRENCY"] = "CHF"
    found = home.run("config", "show", "--json").data["settings"]
    del home.env["VCONSOLE_PRICES_CURRENCY"]
    for key, value in (("prices.kwh", 0.5), ("prices.currency", "CHF"), ("ui.mouse", True)):
        if found[key]["value"] != value:
            yield f"{key} is {found[key]}, not {value}"


def files_missing(home: Home) -> Iterator[str]:
    """The folders follow XDG, and the files of a user are taken."""
    where = home.run("config", "path", "--json").data
    for name, kind in FOLDERS.items():
        if not where[name].startswith(home.env[f"XDG_{kind}_HOME"]):
            yield f"{name} is in {where[name]}"
    Path(where["profiles"]).write_text(PROFILE)
    if (shown := home.run("profile", "show", "promised", "--json")).code != 0:
        yield f"a profile with every promised field is refused: {shown.err}"
    (Path(where["config"]).parent / "catalogue.toml").write_text(CATALOGUE)
    names = {row["name"] for row in home.run("models", "list", "--json").data["models"]}
    if "acme/of-the-user" not in names:
        yield "catalogue.toml adds nothing"


def without_a_server(home: Home) -> Iterator[str]:
    """What looks starts nothing, and says 0 or 3; a log that nobody knows is no failure."""
    log = home.root / "strange.log"
    log.write_text("nothing that vLLM would say\n")
    wanted = {
        "status": ExitCode.DONE,
        f"diagnose {log}": ExitCode.DONE,
        "": ExitCode.DONE,
        "ask hello": ExitCode.NO_SERVER,
    }
    for line, code in wanted.items():
        ran = home.run(*line.split())
        if ran.code != code:
            yield f"vconsole {line} without a server ends with {ran.code}, not {code}"
        if line == "status" and home.socket.exists():
            yield "vconsole status started a supervisor"
    home.run("supervisor", "stop")
    with followed(home, "supervisor", "run") as supervisor:
        wait_until("it runs", home.socket.exists, PATIENCE_S)
        if home.run("supervisor", "stop", "--json").code != 0 or supervisor.wait(PATIENCE_S) != 0:
            yield "vconsole supervisor run does not end well"


def interrupted(home: Home) -> Iterator[str]:
    """Whatever follows ends with 130, and streams an object a line until then."""
    for line in ("status --watch --json", "logs -f --json -n 1", "events -f --json"):
        with followed(home, *line.split()) as process:
            assert process.stdout is not None
            if not isinstance(json.loads(process.stdout.readline()), dict):
                yield f"vconsole {line} prints no object a line"
            process.send_signal(signal.SIGINT)
            if (code := process.wait(PATIENCE_S)) != ExitCode.INTERRUPTED:
                yield f"vconsole {line} ends with {code} when it is interrupted"


def words_kept(served: Home, bare: Home) -> Iterator[str]:
    """Data go to stdout, words to stderr; an error says what is wrong and what to do."""
    asked = served.run("ask", "hello", "--max-tokens", "3")
    if not asked.out.strip() or "tok/s" not in asked.err:
        yield "ask mixes its answer with its figures"
    refused = bare.run("ask", "hello")
    if refused.out or not refused.err.startswith("error: ") or "\nhint: " not in refused.err:
        yield f"an error is not on stderr alone: {refused.out!r} {refused.err!r}"
