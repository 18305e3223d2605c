"""From what a user types to what is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.models import demo
from vconsole.models.fit.plan import Card
from vconsole.models.profiles import load_profiles
from vconsole.models.proposal import GIB, propose
from vconsole.models.resolve import resolve


def profiles(text: str) -> None:
    paths.config_dir().mkdir(parents=True)
    paths.profiles_file().write_text(text)


def test_the_demo_models_are_whole_and_small() -> None:
    sizes = [
        file.stat().st_size
        for name in demo.NAMES
        for file in (paths.resources_dir() / "demo_models" / name).iterdir()
    ]
    assert sum(sizes) < 3_000_000


def test_demo_is_placed_in_the_data_folder_and_mended() -> None:
    found = resolve("demo")
    assert found.name == "demo-lark"
    assert Path(found.model).is_relative_to(paths.data_dir())
    (Path(found.model) / "config.json").write_text("broken")
    assert resolve("demo-lark") == found
    assert (Path(found.model) / "config.json").read_text() != "broken"


def test_a_profile_wins_and_brings_its_flags() -> None:
    profiles(
        "[chat]\nmodel = 'Qwen/Qwen2.5-7B-Instruct-AWQ'\nserved_name = 'chat'\nport = 8001\n"
        "devices = '1'\nenv = {HF_HOME = '/data'}\n"
        "flags = {max-model-len = 8192, enable_prefix_caching = true, async-scheduling = false}\n"
    )
    found = resolve("chat")
    assert (found.model, found.name, found.port) == ("Qwen/Qwen2.5-7B-Instruct-AWQ", "chat", 8001)
    assert found.flags == (
        *("--max-model-len", "8192", "--enable-prefix-caching", "--no-async-scheduling"),
    )
    assert found.env == {"CUDA_VISIBLE_DEVICES": "1", "HF_HOME": "/data"}


@pytest.mark.parametrize("text", ["[chat]\nport = 1", "[chat", "[chat]\nmodel = 3"])
def test_a_wrong_profile_file_is_named(text: str) -> None:
    profiles(text)
    with pytest.raises(VConsoleError, match=r"profiles\.toml"):
        load_profiles()


@pytest.mark.parametrize("given", ["/no/such", "./nothing", "a b", "-rf", "x/y/z", ""])
def test_what_is_no_model_is_refused(given: str) -> None:
    with pytest.raises(VConsoleError):
        resolve(given)


def test_a_folder_without_a_config_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(VConsoleError, match=r"config\.json"):
        resolve(str(tmp_path))


@pytest.mark.parametrize(
    ("free_gib", "model"),
    [(2.0, None), (5.0, "Qwen/Qwen2.5-0.5B-Instruct"), (15.0, "Qwen/Qwen2.5-7B-Instruct-AWQ")],
)
def test_the_proposal_fits_the_free_memory(free_gib: float, model: str | None) -> None:
    card = Card("a card", 16 * GIB, int(free_gib * GIB), capability=(8, 9))
    proposal = propose(card, "0.32.0")
    assert (proposal.model if proposal else None) == model
    if proposal and "--gpu-memory-utilization" in proposal.flags:
        share = float(proposal.flags[proposal.flags.index("--gpu-memory-utilization") + 1])
        assert share * 16 <= free_gib
