"""A host as the doctor may find it: an RTX 4080 beside a desktop and Ollama, eight of eleven."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.unit.supervisor.test_doctor import CARD, FLASHINFER, HEALTHY_HOST, SCENE, engine, server
from vconsole.host.readings import GpuProcess
from vconsole.host.units import Scope
from vconsole.supervisor.doctor.examine import examine
from vconsole.supervisor.model import Step
from vconsole.supervisor.ollama.model import HeldModel, OllamaReport
from vconsole.tui.background.hosting import HostLook
from vconsole.tui.background.servicing import Page, ServiceLook

GIB = 2**30
OLLAMA = GpuProcess(811, "ollama", "ollama", GIB // 2, "ollama")
_SCENE = replace(
    SCENE,
    condition=replace(HEALTHY_HOST, is_root=True, lingers=False, open_files=1024),
    engine=replace(engine(flashinfer=replace(FLASHINFER, cubin=None)), path=Path("/opt/engine")),
    gpus=(replace(CARD, persistence_mode=False, processes=(*CARD.processes, OLLAMA)),),
    server=server("--enforce-eager"),
    said=(),
)
REPORT = OllamaReport(
    running=True,
    owner="system unit ollama.service (user ollama, pid 811)",
    owner_kind="system unit",
    pid=811,
    models=(HeldModel("qwen2.5:0.5b", GIB // 2),),
    gpu_bytes=GIB // 2,
    next_rungs=(
        Step("unload", detail="its models leave the memory; Ollama goes on"),
        Step("stop", detail="it stays away until the next boot"),
        Step("disable", detail="it stays away over boots, until Ollama's installer runs again"),
        Step("block", detail="it stays away until `vconsole ollama restore`"),
    ),
)
LOOK = HostLook(
    examination=examine(_SCENE),
    ollama=REPORT,
    engine="0.32.0-cuda",
    previous="0.31.0-cuda",
    unit="the user's own process, pid 700",
)

UNIT_TEXT = """\
[Unit]
Description=vLLM, served by vconsole: small
After=network-online.target

[Service]
Type=notify
ExecStart=/opt/vconsole/bin/vconsole supervisor run --serve small
ExecStopPost=/opt/vconsole/bin/vconsole supervisor reap
KillMode=process
WatchdogSec=30

[Install]
WantedBy=default.target
"""
DIFF = (
    "--- installed",
    "+++ as install would write it",
    "@@ -6,1 +6,1 @@",
    "-ExecStart=/opt/vconsole/bin/vconsole supervisor run --serve large",
    "+ExecStart=/opt/vconsole/bin/vconsole supervisor run --serve small",
)
JOURNAL = tuple(f"Nov 24 14:{minute:02} gpu-box vconsole[700]: a beat" for minute in range(50))


def service(scope: Scope, page: Page) -> ServiceLook:
    """A user's unit that is installed and serves; the machine has none."""
    texts = {Page.PREVIEW: tuple(UNIT_TEXT.splitlines()), Page.DIFF: DIFF, Page.JOURNAL: JOURNAL}
    if scope is Scope.SYSTEM:
        path = "/etc/systemd/system/vconsole.service"
        state = ("vconsole.service is not installed for the system",)
        return ServiceLook(scope, page, state, text=texts[page], path=path, profile="small")
    return ServiceLook(
        scope=scope,
        page=page,
        state=(
            "vconsole.service (user) is active, for small",
            "  says    main is ready at http://127.0.0.1:8000",
            "  pid     700, restarted 0 times",
            "  boot    enabled",
            "  linger  yes",
        ),
        text=texts[page],
        path="/home/ada/.config/systemd/user/vconsole.service",
        profile="small",
        installed=True,
    )
