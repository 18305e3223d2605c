"""Our own metrics: named by Prometheus's conventions, absent where unknown."""

from __future__ import annotations

import shutil
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from vconsole.host.readings import Gpu
from vconsole.supervisor.model import (
    Desired,
    Job,
    OllamaStatus,
    ServerState,
    ServerStatus,
    Status,
)
from vconsole.supervisor.telling.exposition import exposition

SERVER = ServerStatus("main", ServerState.READY, Desired.RUNNING, restarts=2, uptime_s=7.0)
CARD = Gpu(0, "GPU-1", "RTX 4080", 17_171_480_576, power_w=200.0, throttle=("thermal",))
LOST = Gpu(1, "GPU-2", "RTX 4080", state="it is lost")
PAGE = Status(
    server=SERVER,
    servers=(SERVER,),
    gpus=(CARD, LOST),
    ollama=OllamaStatus(True, 5_000_000_000, ("llama3",)),
    jobs=(Job("b1", "batch", "running", 3, 9, 1),),
)


def values(body: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_states_cards_jobs_and_what_was_spent() -> None:
    found = values(exposition(PAGE, sent_away=True, energy_wh=2.0, cost=0.5))
    assert found["vconsole_server_state", (("server", "main"), ("state", "ready"))] == 1
    assert found["vconsole_server_state", (("server", "main"), ("state", "failed"))] == 0
    assert found["vconsole_server_restarts_total", (("server", "main"),)] == 2
    card = (("gpu", "0"), ("name", "RTX 4080"), ("uuid", "GPU-1"))
    lost = (("gpu", "1"), ("name", "RTX 4080"), ("uuid", "GPU-2"))
    assert found["vconsole_gpu_readable", card] == 1
    assert found["vconsole_gpu_readable", lost] == 0
    assert found["vconsole_gpu_power_watts", card] == 200
    assert ("vconsole_gpu_power_watts", lost) not in found
    assert found["vconsole_gpu_throttled", (("gpu", "0"), ("reason", "thermal"))] == 1
    assert found["vconsole_ollama_gpu_bytes", ()] == 5_000_000_000
    assert found["vconsole_ollama_sent_away", ()] == 1
    assert found["vconsole_job_done", (("job_id", "b1"), ("kind", "batch"))] == 3
    assert found["vconsole_energy_joules_total", ()] == 7200
    assert found["vconsole_cost_total", ()] == 0.5


def test_what_is_unknown_is_absent() -> None:
    found = values(exposition(Status(SERVER), sent_away=False, energy_wh=None, cost=None))
    names = {name for name, _ in found}
    assert not names & {"vconsole_energy_joules_total", "vconsole_cost_total"}
    assert not names & {"vconsole_ollama_gpu_bytes", "vconsole_gpu_readable"}


def test_names_pass_prometheus_own_linter() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "Debian's prometheus is needed: apt-get install prometheus"
    body = exposition(PAGE, sent_away=True, energy_wh=2.0, cost=0.5)
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
