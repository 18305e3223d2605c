"""What a swap would have to fetch is judged by the catalogue first, on the card of the machine."""

from __future__ import annotations

import pytest

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.readings import Gpu, GpuReading, Host
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts import planning
from vconsole.supervisor.servers.starts.launch import PreparedLaunch

GIB = 2**30
CARD = Gpu(0, "GPU-1", "NVIDIA GeForce RTX 4080", memory_total_bytes=16 * GIB)
READING = GpuReading(gpus=(CARD,))
HOST = Host(memory_total_bytes=64 * GIB, memory_available_bytes=60 * GIB)


def asked(model: str, device: str = "cuda") -> PreparedLaunch:
    plan = Launch(model, model, "127.0.0.1", 8000, engine_device=device)
    return PreparedLaunch(plan, {"VLLM_CPU_KVCACHE_SPACE": "20"} if device == "cpu" else {})


def test_what_is_too_big_is_refused_before_it_is_fetched() -> None:
    with pytest.raises(VConsoleError, match="too big for what is free here") as caught:
        planning.refuse_hopeless(asked("meta-llama/Llama-3.3-70B-Instruct"), READING, HOST)
    assert (caught.value.kind, caught.value.exit_code) == ("too_big", ExitCode.REFUSED)


@pytest.mark.parametrize("device", ["cuda", "cpu"])
@pytest.mark.parametrize("model", ["solidrust/Mistral-7B-Instruct-v0.3-AWQ", "acme/unknown"])
def test_what_fits_or_is_unknown_is_fetched(model: str, device: str) -> None:
    planning.refuse_hopeless(asked(model, device), READING, HOST)
