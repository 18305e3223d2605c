"""One real vLLM, shared by all tests of this folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import vconsole

DEMO_MODEL = Path(vconsole.__file__).parent / "resources" / "demo_models" / "demo-lark"
START_LIMIT_S = 240.0


@dataclass(frozen=True)
class EngineServer:
    url: str
    served_name: str


@pytest.fixture(scope="session")
def engine_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineServer]:
    """vLLM of `VCONSOLE_ENGINE` over a demo model, on the CPU."""
    port = _free_port()
    log = tmp_path_factory.mktemp("engine") / "vllm.log"
    command = [os.environ["VCONSOLE_ENGINE"], "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(DEMO_MODEL), "--served-model-name", "demo", "--enforce-eager"]
    command += ["--max-model-len", "2048", "--host", "127.0.0.1", "--port", str(port)]
    variables = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "2"}
    environment = os.environ | variables | {"VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield EngineServer(f"http://127.0.0.1:{port}", "demo")
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"vLLM did not get ready:\n{log.read_text()[-4000:]}")
