"""A user's unit around the real vLLM: ready when it answers, adopted, drained, and its key."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.systemd.machine import Machine
from tests.systemd.people import PORTS, Person
from tests.systemd.service import (
    UNIT,
    server_pid,
    shown,
    start_journal,
    supervisor_pid,
    systemctl,
    until_active,
    until_restarted,
    write,
)

pytestmark = [pytest.mark.systemd, pytest.mark.engine]

KEY = "sk-of-ada-0815"
HOME = "/home/uma"
TREE = "vllm serve|VC-main"
PROFILE = """
[small]
model = "demo"
port = {port}
env = {{ VLLM_CPU_KVCACHE_SPACE = "1" }}
"""
# Stopped as soon as the server is at work on the request.
STOP_UNDER_LOAD = """
vconsole ask 'once upon a time' --max-tokens 1500 --json >~/answer 2>&1 &
for _ in $(seq 600); do
  curl -s {url}/metrics | grep -q '^vllm:num_requests_running.* 1.0$' && break
  sleep 0.1
done
systemctl --user stop {unit}; wait
"""


def models_answer(uma: Person, url: str, key: str = "") -> str:
    """The HTTP status of `/v1/models`, by curl and not by us; `000` where nobody answers."""
    ask = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/v1/models")
    return uma.machine.run(*ask, "-H", f"Authorization: Bearer {key}").stdout


def test_the_real_vllm_under_a_users_unit(machine: Machine, engine_folder: Path) -> None:
    start_journal(machine)
    uma = Person.new(machine, "uma", engine=str(engine_folder))
    port = next(PORTS)
    url = f"http://127.0.0.1:{port}"
    write(machine, "uma", f"{HOME}/.config/vconsole/profiles.toml", PROFILE.format(port=port))
    write(machine, "uma", f"{HOME}/key", KEY)
    uma.log_out()
    begun = uma.vconsole(
        *("service", "install", "small", "--api-key-file", f"{HOME}/key", "--no-wait", "--json")
    )
    assert begun.returncode == 0, begun.stderr
    assert json.loads(begun.stdout)["state"] == "activating"

    said = set()
    while (state := shown(uma, "ActiveState")) == "activating":
        said.add(shown(uma, "StatusText").partition(", about")[0])
        time.sleep(0.3)
    assert state == "active"
    assert models_answer(uma, url, KEY) == "200"
    assert models_answer(uma, url) == "401", "the key has reached the server"
    assert len([text for text in said if " is starting: " in text]) >= 2, said
    assert uma.data("ask", "once", "--max-tokens", "4")["completion_tokens"] == 4

    assert KEY not in machine.run("ps", "-eo", "args").stdout

    tree, pid = set(uma.processes(TREE)), server_pid(uma)
    machine.run("kill", "-KILL", str(supervisor_pid(uma)))
    until_restarted(uma)
    until_active(uma)
    assert (server_pid(uma), set(uma.processes(TREE))) == (pid, tree)
    assert uma.data("ask", "once", "--max-tokens", "4")["completion_tokens"] == 4

    done = uma.shell(STOP_UNDER_LOAD.format(url=url, unit=UNIT))
    assert done.returncode == 0, done.stderr
    answer = json.loads(uma.read(f"{HOME}/answer"))
    assert answer["finish_reason"] in {"length", "stop"}, "what was in flight has finished"
    assert uma.processes(TREE) == []
    assert models_answer(uma, url, KEY) == "000"
    assert shown(uma, "Result") == "success"
    assert uma.data("status")["server"]["desired"] == "running"

    assert KEY not in machine.run("journalctl", "--no-pager", "--quiet").stdout
    kept = machine.run("grep", "-rl", KEY, f"{HOME}/.local", f"{HOME}/.config").stdout
    assert kept == ""
    assert systemctl(uma, "cat", UNIT).stdout.count(KEY) == 0
    uma.data("service", "uninstall")
