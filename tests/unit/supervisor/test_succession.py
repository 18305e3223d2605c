"""What is tried in which order, at a start and at a swap."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import StartRequest, SwapRequest
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.starts import succession

PROFILES = """
[big]
model = "demo-owl"
served_name = "assistant"
port = 8123
flags = {max-model-len = 512}
env = {OMP_WAIT_POLICY = "passive"}
fallback = ["demo-lark", "nobody/has-this"]

[broken]
model = "demo-owl"
fallback = ["/no/such/folder"]
"""


@pytest.fixture(autouse=True)
def _profiles(monkeypatch: pytest.MonkeyPatch, engine_python: str) -> None:
    monkeypatch.setenv("VCONSOLE_ENGINE", engine_python)
    for name in ("VLLM_API_KEY", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    paths.profiles_file().parent.mkdir(parents=True)
    paths.profiles_file().write_text(PROFILES)


def old(port: int = 9000, profile: str | None = None) -> Launch:
    paths.private_folder(paths.server_dir("main"))
    given = {"VLLM_API_KEY": "k", "OMP_WAIT_POLICY": "passive"}
    record.save_environment("main", given)
    return Launch("m", "lark", "127.0.0.1", port, profile=profile)


def test_fallbacks_follow_on_the_same_port_with_the_name_that_clients_know() -> None:
    chain = succession.for_start(StartRequest("big", flags=("--max-num-seqs", "4")), None, "main")
    first, second, third = (one.launch for one in chain)
    assert [Path(one.model).name for one in (first, second)] == ["demo-owl", "demo-lark"]
    assert {one.port for one in (first, second, third)} == {8123}
    assert {one.served_name for one in (first, second, third)} == {"assistant"}
    assert "4" in first.flags
    assert "4" not in second.flags
    assert second.profile is None
    assert any("nobody/has-this is not on this disk" in warning for warning in first.warnings)


def test_a_fallback_that_cannot_be_served_is_an_error_beforehand() -> None:
    with pytest.raises(VConsoleError, match="the fallback /no/such/folder of broken"):
        succession.for_start(StartRequest("broken"), None, "main")


def test_a_swap_keeps_the_port_and_what_the_user_gave_but_not_what_a_profile_said() -> None:
    first, *_ = succession.for_swap(SwapRequest("demo-lark"), old(profile="big"), "main")
    assert first.launch.port == 9000
    assert first.given_environment["VLLM_API_KEY"] == "k"
    assert "OMP_WAIT_POLICY" not in first.given_environment
    first, *_ = succession.for_swap(SwapRequest("demo-lark"), old(), "main")
    assert first.given_environment["OMP_WAIT_POLICY"] == "passive"
    without = SwapRequest("demo-lark", unset=("OMP_WAIT_POLICY",))
    first, *_ = succession.for_swap(without, old(), "main")
    assert "OMP_WAIT_POLICY" not in first.given_environment
    assert first.given_environment["VLLM_API_KEY"] == "k"


def test_a_swap_to_a_profile_stays_on_the_port_unless_told_otherwise() -> None:
    first, *_ = succession.for_swap(SwapRequest("big"), old(), "main")
    assert first.launch.port == 9000
    first, *_ = succession.for_swap(SwapRequest("big", port=9001), old(), "main")
    assert first.launch.port == 9001


def test_requests_are_held_where_the_request_or_the_profile_says_so() -> None:
    assert not succession.holds_requests(SwapRequest("big"))
    assert succession.holds_requests(SwapRequest("big", holds_requests=True))
    with paths.profiles_file().open("a") as file:
        file.write('\n[patient]\nmodel = "demo-owl"\nholds_requests = true\n')
    assert succession.holds_requests(SwapRequest("patient"))
    assert not succession.holds_requests(SwapRequest("patient", holds_requests=False))


@pytest.mark.parametrize(
    ("cause", "helps"),
    [("weights_oom", True), ("too_big", True), ("gated_repo", False), ("smoke_failed", False)],
)
def test_only_memory_is_a_reason_for_a_smaller_model(cause: str, helps: bool) -> None:
    assert succession.smaller_may_help(cause) is helps
