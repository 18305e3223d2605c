"""A proof made by hand, for the tests of proving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from vconsole.requests.bench.model import Load
from vconsole.supervisor.proving.journal import Header, Journal, Subject
from vconsole.supervisor.proving.model import Side
from vconsole.supervisor.proving.rival import Rival
from vconsole.supervisor.proving.room import Noted
from vconsole.supervisor.tuning.model import Setting

RIVAL = Rival("Ollama", "http://127.0.0.1:11434", "llama3:8b", is_ollama=True)
SUBJECT = Subject(
    server="main",
    model="a-model",
    served_name="a-model",
    engine="0.32.0 cuda",
    rival_url=RIVAL.url,
    rival_model=RIVAL.model,
    workload="random words",
    load=Load(16, requests=64, warm_up=16),
    repeats=3,
)


def journal(**more: object) -> Journal:
    header = Header(
        subject=SUBJECT,
        before=Setting("as it was", ("--max-num-seqs", "64")),
        begun_at=datetime(2026, 11, 29, tzinfo=UTC),
        ours=Side("vLLM", "a-model", "0.32.0"),
        rival=RIVAL,
        ollama=Noted(("llama3:8b",)),
    )
    return Journal.begin(replace(header, **more))  # type: ignore[arg-type]
