"""Starting with judgement: the card, the plan's flags, repetitions, ways out, who killed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vconsole.cli.servers.plan import plan_lines
from vconsole.cli.servers.starting import start_command
from vconsole.errors import VConsoleError
from vconsole.host.oom_kills import oom_kills
from vconsole.host.readings import Gpu, GpuProcess, GpuReading, Host
from vconsole.models.chat_template import lacks_chat_template
from vconsole.models.fit.plan import Band, Plan, ProposedFlag, Verdict
from vconsole.models.on_disk import folder_of
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import Profile
from vconsole.supervisor.model import Failure, StartRequest
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts import planning, repeating
from vconsole.supervisor.servers.starts.aftermath import killed_by_whom
from vconsole.supervisor.servers.starts.launch import PreparedLaunch, as_last
from vconsole.supervisor.servers.starts.ways_out import with_ways_out

GIB = 2**30
NOW = datetime(2026, 11, 24, tzinfo=UTC)
FLAGS = ("--max-model-len", "131072")
LAUNCH = Launch(
    "m", "m", "127.0.0.1", 8000, flags=FLAGS, command=("vllm", "serve", "m", *FLAGS),
    engine_device="cuda",
)  # fmt: skip
TOO_SMALL = Failure(
    "kv_cache_too_small", "too small", NOW, suggested_flags=("--max-model-len", "44688")
)
KILLED = Failure(
    "host_ram_oom", "A process vanished.", NOW, evidence_text="engine core exited unexpectedly"
)


def card(index: int, free_gib: float, *processes: GpuProcess) -> Gpu:
    free = int(free_gib * GIB)
    return Gpu(index, f"GPU-{index}", "RTX", 16 * GIB, memory_free_bytes=free, processes=processes)


def test_the_fullest_of_the_visible_cards_counts() -> None:
    ollama = GpuProcess(5, "ollama", memory_bytes=GIB)
    reading = GpuReading((card(0, 1), card(1, 15), card(2, 14, ollama)))
    found = planning.card_now("cuda", reading, Host(), {"CUDA_VISIBLE_DEVICES": "1,2"})
    assert found is not None
    assert (found.count, found.free_bytes, found.total_bytes) == (2, 14 * GIB, 16 * GIB)
    assert [tenant.name for tenant in found.tenants] == ["ollama"]
    assert planning.card_now("cuda", GpuReading(), Host(), {}) is None
    host = Host(memory_total_bytes=8 * GIB, memory_available_bytes=6 * GIB)
    on_cpu = planning.card_now("cpu", reading, host, {})
    assert on_cpu is not None
    assert on_cpu.is_cpu
    assert on_cpu.free_bytes == 6 * GIB


def test_the_plan_adds_only_what_the_user_left_open() -> None:
    proposed = (
        ProposedFlag("--max-model-len", "8192", "the longest"),
        ProposedFlag("--gpu-memory-utilization", "0.88", "leaves room"),
    )
    plan = Plan(Verdict.FITS, flags=proposed)
    prepared = PreparedLaunch(LAUNCH, {})
    wanted = ("--gpu-memory-utilization", "0.88")
    assert planning.planned_flags(prepared, plan) == wanted
    started = prepared.with_flags((*FLAGS, *wanted), planned_flags=wanted).launch
    assert started.command == ("vllm", "serve", "m", *FLAGS, *wanted)
    assert planning.planned_flags(prepared, replace(plan, verdict=Verdict.UNKNOWN)) == ()
    on_cpu = PreparedLaunch(replace(LAUNCH, engine_device="cpu"), {})
    assert planning.planned_flags(on_cpu, plan) == ()
    planning.refuse_too_big(plan, "m")
    with pytest.raises(VConsoleError, match="too big") as refused:
        planning.refuse_too_big(Plan(Verdict.TOO_BIG, why=("30 GiB of weights",)), "m")
    assert refused.value.exit_code == 5
    assert "30 GiB of weights" in refused.value.message


def test_a_restart_by_itself_keeps_the_flags_that_its_plan_chose() -> None:
    chosen = ("--max-model-len", "8192")
    plan = Plan(Verdict.FITS, kv_bytes_per_token=Band.exact(131_072))
    last = replace(LAUNCH, flags=(*FLAGS, *chosen), planned_flags=chosen, plan=plan)
    again = as_last(PreparedLaunch(LAUNCH, {}), last).launch
    assert again.command == (*LAUNCH.command[: -len(FLAGS)], *FLAGS, *chosen)
    assert (again.planned_flags, again.plan) == (chosen, plan)
    adopted = PreparedLaunch(replace(LAUNCH, folder="/x"), {})
    assert as_last(adopted, replace(last, folder="/x")) == adopted


def test_a_model_of_the_hub_is_planned_from_its_snapshot(tmp_path: Path) -> None:
    kept = tmp_path / "models--acme--x"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc\n")
    environment = {"HF_HUB_CACHE": str(tmp_path)}
    assert folder_of("acme/x", environment) is None
    (kept / "snapshots" / "abc").mkdir(parents=True)
    (kept / "snapshots" / "abc" / "config.json").write_text("{}")
    assert folder_of("acme/x", environment) == kept / "snapshots" / "abc"


def test_a_start_is_the_same_until_something_of_it_changes(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    prepared = PreparedLaunch(replace(LAUNCH, command=("vllm", "serve", str(tmp_path))), {})
    reading = GpuReading((card(0, 10.2),))
    first = repeating.fingerprint(prepared, reading)
    assert repeating.fingerprint(prepared, GpuReading((card(0, 10.4),))) == first
    others = [
        repeating.fingerprint(prepared.with_flags(("--enforce-eager",)), reading),
        repeating.fingerprint(replace(prepared, given_environment={"HF_TOKEN": "x"}), reading),
        repeating.fingerprint(prepared, GpuReading((card(0, 12),))),
    ]
    (tmp_path / "config.json").write_text("{}")
    others.append(repeating.fingerprint(prepared, reading))
    assert first not in others
    assert len(set(others)) == 4


def test_only_what_is_bound_to_fail_again_is_refused() -> None:
    assert repeating.is_settled(TOO_SMALL)
    assert not repeating.is_settled(Failure("gated_repo", "m", NOW))
    assert not repeating.is_settled(Failure("unknown", "m", NOW))
    with pytest.raises(VConsoleError, match="just failed") as refused:
        repeating.refuse_repetition(TOO_SMALL)
    assert refused.value.exit_code == 5
    assert "--max-model-len 44688" in str(refused.value.remedy)


def test_the_ways_out_of_a_cache_too_small() -> None:
    save_profile("big", Profile("m", fallback=("small",)))
    found = with_ways_out(TOO_SMALL, replace(LAUNCH, profile="big")).ways_out
    assert [way.kind for way in found] == ["change", "fp8", "fallback"]
    assert found[1].flags == ("--kv-cache-dtype", "fp8", "--max-model-len", "89376")
    assert found[2].model == "small"
    on_cpu = with_ways_out(TOO_SMALL, replace(LAUNCH, engine_device="cpu")).ways_out
    assert [way.kind for way in on_cpu] == ["change"]
    same = replace(LAUNCH, flags=TOO_SMALL.suggested_flags, engine_device="cpu")
    assert with_ways_out(TOO_SMALL, same).ways_out == ()


def test_the_length_named_leaves_room_for_compiling_anew() -> None:
    """Measured on an H200: 51,312 tokens were named, and the next start had room for 49,440."""
    named = replace(
        TOO_SMALL,
        suggested_flags=("--max-model-len", "51312"),
        remedy="Take --max-model-len 51312.",
    )
    planned = replace(LAUNCH, plan=Plan(Verdict.FITS, kv_bytes_per_token=Band.exact(131_072)))
    found = with_ways_out(named, planned)
    length = int(found.suggested_flags[1])
    assert 48_000 < length <= 49_440
    assert length % 16 == 0
    assert found.ways_out[0].flags == found.suggested_flags
    assert f"--max-model-len {length} (51312 less" in (found.remedy or "")
    for exact in (
        replace(planned, engine_device="cpu"),
        replace(planned, flags=("--enforce-eager",)),
    ):
        assert with_ways_out(named, exact).suggested_flags == named.suggested_flags
    short = replace(named, suggested_flags=("--max-model-len", "800"))
    assert with_ways_out(short, planned).suggested_flags == ("--max-model-len", "592")


def test_a_kill_is_told_from_a_lack_of_memory_by_the_kernels_count(tmp_path: Path) -> None:
    assert killed_by_whom(KILLED, 3, 4).cause == "host_ram_oom"
    assert killed_by_whom(KILLED, 3, 3).cause == "killed"
    assert killed_by_whom(KILLED, None, 3).cause == "host_ram_oom"
    said = replace(KILLED, evidence_text="DefaultCPUAllocator: can't allocate memory")
    assert killed_by_whom(said, 3, 3).cause == "host_ram_oom"
    assert killed_by_whom(TOO_SMALL, 3, 3) == TOO_SMALL
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 1\noom_kill 7\n")
    assert oom_kills(vmstat) == 7
    assert oom_kills(tmp_path / "none") is None


def test_the_absence_of_a_chat_template_is_said_only_where_it_is_sure(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    assert not lacks_chat_template(tmp_path, frozenset())
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert lacks_chat_template(tmp_path, frozenset())
    assert not lacks_chat_template(tmp_path, frozenset({"--chat-template"}))
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert not lacks_chat_template(tmp_path, frozenset())
    assert not lacks_chat_template(tmp_path / "none", frozenset())


def test_the_command_of_a_request_can_be_copied() -> None:
    request = StartRequest("demo", port=8001, flags=("--a", "x y"), adapt=True)
    assert start_command("main", request) == (
        "vconsole start demo --port 8001 --adapt -- --a 'x y'"
    )
    assert start_command("two", StartRequest()) == "vconsole start --name two"


def test_a_plan_is_told_with_its_figures_and_reasons() -> None:
    plan = Plan(
        Verdict.TIGHT,
        weights_bytes=Band.exact(13 * GIB),
        kv_cache_tokens=Band(44_688, 40_000, 50_000),
        max_concurrency=1.4,
        max_model_len=32_768,
        flags=(ProposedFlag("--enforce-eager", None, "no room for graphs"),),
        why=("the desktop may take more",),
    )
    first, why, flag = plan_lines(plan)
    figures = "weights 13.0 GiB  44,688 tokens  1.4 requests of 32,768"
    assert first == f"plan     tight  {figures}"
    assert why.strip() == "the desktop may take more"
    assert flag.split() == ["--enforce-eager", "no", "room", "for", "graphs"]
