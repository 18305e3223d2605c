"""The catalogue: shipped whole and sourced, the user's file goes over it, faults are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.models.cards import CARDS, find_card
from vconsole.models.catalogue import Entry, load_catalogue
from vconsole.models.catalogue.entry import OWN
from vconsole.models.catalogue.refreshed import HubFigures, refreshed_path, save_refreshed
from vconsole.models.hub.cache import cached_models
from vconsole.models.listing import list_models

SHIPPED = load_catalogue(Path("/nowhere"))
PROMISED = {
    "mistralai/Mistral-7B-Instruct-v0.3",
    "meta-llama/Llama-3.1-8B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "openai/gpt-oss-20b",
    "google/gemma-3-12b-it",
}


def own(text: str) -> None:
    paths.config_dir().mkdir(parents=True, exist_ok=True)
    (paths.config_dir() / "catalogue.toml").write_text(text)


def find(name: str) -> Entry:
    found = load_catalogue().find(name)
    assert found is not None
    return found


def test_the_shipped_file_has_no_fault_and_what_was_promised() -> None:
    assert SHIPPED.faults == ()
    assert {entry.name for entry in SHIPPED.entries} >= PROMISED
    quantized = {entry.quantization for entry in SHIPPED.entries}
    assert quantized >= {"bf16", "AWQ", "GPTQ", "FP8", "MXFP4"}


def test_every_size_class_has_a_model_with_known_weights() -> None:
    known = [e.parameters for e in SHIPPED.entries if e.parameters and e.weights_bytes]
    for least, most in ((0.4, 1), (1, 2), (3, 5), (7, 9), (12, 15), (20, 28), (30, 35), (69, 73)):
        assert any(least <= parameters / 1e9 <= most for parameters in known), (least, most)


@pytest.mark.parametrize("entry", SHIPPED.entries, ids=lambda entry: entry.name)
def test_every_figure_has_a_source(entry: Entry) -> None:
    assert entry.weights_bytes is None or entry.sources["weights_bytes"]
    assert not entry.config or entry.sources["config"].startswith("https://")
    assert entry.quality is None or entry.quality.source.startswith("https://")


@pytest.mark.parametrize("entry", SHIPPED.entries, ids=lambda entry: entry.name)
def test_weights_agree_with_parameters_and_packing(entry: Entry) -> None:
    """Bytes a parameter, between the packed layers alone and embeddings that stay in 16 bits."""
    if entry.weights_bytes is None or entry.parameters is None:
        return
    least, most = {
        "bf16": (2.0, 2.0),
        "FP8": (1.0, 1.4),
        "AWQ": (0.52, 1.0),
        "GPTQ": (0.52, 1.0),
        "W4A16": (0.5, 1.0),
        "MXFP4": (0.53, 0.7),
    }[entry.quantization or ""]
    assert least <= entry.weights_bytes / entry.parameters <= most


@pytest.mark.parametrize(
    ("name", "published_bytes"),
    [
        # model.safetensors of https://huggingface.co/solidrust/Mistral-7B-v0.3-AWQ: 4.16 GB.
        ("solidrust/Mistral-7B-Instruct-v0.3-AWQ", 4.16e9),
        # https://huggingface.co/RedHatAI/Mistral-7B-Instruct-v0.3-quantized.w4a16: 4.17 GB.
        ("RedHatAI/Mistral-7B-Instruct-v0.3-GPTQ-4bit", 4.17e9),
        # https://huggingface.co/pascalrai/Llama-3.1-8B-Instruct-awq: 4.68 and 1.05 GB.
        ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", 5.73e9),
    ],
)
def test_computed_weights_are_those_published(name: str, published_bytes: float) -> None:
    assert find(name).weights_bytes == pytest.approx(published_bytes, rel=0.002)


def test_the_users_file_extends_and_overrides() -> None:
    own(
        '[models."me/mine"]\ntitle = "Mine"\nweights_bytes = 5\nweights_source = "ls"\n'
        '[models."openai/gpt-oss-20b"]\nlicense = "other"\n'
    )
    assert (find("me/mine").weights_bytes, find("me/mine").origin) == (5, OWN)
    changed = find("openai/gpt-oss-20b")
    assert (changed.license, changed.quantization) == ("other", "MXFP4")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[models."a/b"]\nweights_bytes = "many"', "a/b"),
        ('[models."a/b"]\nwieghts = 3', "wieghts"),
        ('[models."a/b"]\nfamily = "none"', "none"),
        ('[families."f"]\ntitle = 3', "f"),
        ("models = 3", "models"),
        ("other = 3", "other"),
        ("[models", "catalogue.toml"),
    ],
)
def test_a_bad_entry_is_named_and_the_rest_holds(text: str, named: str) -> None:
    own(text)
    catalogue = load_catalogue()
    assert any(named in fault for fault in catalogue.faults)
    assert len(catalogue.entries) >= len(SHIPPED.entries)
    assert catalogue.find("a/b") is None


def test_the_hub_fills_in_and_what_is_curated_stays() -> None:
    figures = HubFigures("2026-11-24T00:00:00+00:00", license="mit", weights_bytes=7)
    save_refreshed({"Qwen/Qwen3.5-2B": figures, "openai/gpt-oss-20b": figures})
    filled = find("Qwen/Qwen3.5-2B")
    assert (filled.weights_bytes, filled.filled) == (7, ("weights_bytes",))
    assert filled.license == "apache-2.0"
    kept = find("openai/gpt-oss-20b")
    assert kept.weights_bytes != 7
    assert any("7 on the Hub" in difference for difference in kept.differs)


def test_a_broken_cache_of_the_hubs_word_is_named() -> None:
    refreshed_path().parent.mkdir(parents=True)
    refreshed_path().write_text("{")
    assert any("models refresh" in fault for fault in load_catalogue().faults)


def test_a_mixture_reads_only_its_active_share() -> None:
    entry = find("openai/gpt-oss-20b")
    assert entry.read_bytes_per_token is not None
    assert entry.weights_bytes is not None
    assert entry.read_bytes_per_token < entry.weights_bytes / 3


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("NVIDIA GeForce RTX 4080", "RTX 4080"),
        ("4080 super", "RTX 4080 SUPER"),
        ("rtx4090", "RTX 4090"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("h100-pcie", "H100 PCIe"),
        ("L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("A100-SXM4-80GB", "A100 80GB"),
    ],
)
def test_cards_are_found_by_what_people_call_them(given: str, found: str) -> None:
    assert find_card(given).name == found


def test_an_unknown_card_says_what_to_give_instead() -> None:
    with pytest.raises(VConsoleError) as raised:
        find_card("Voodoo 2")
    assert "--gpu-memory" in (raised.value.remedy or "")


def test_speed_is_bandwidth_over_weights() -> None:
    card = find_card("RTX 4080")
    row = list_models(card.card, card.bandwidth_bytes_per_s).find("Qwen/Qwen2.5-7B-Instruct-AWQ")
    assert row is not None
    assert row.bytes is not None
    assert row.tokens_per_s == pytest.approx(716.8e9 / row.bytes)
    assert all(card.total_bytes > 5 * 2**30 for card in CARDS)


def test_a_cache_of_odds_and_ends_is_read_without_harm(tmp_path: Path) -> None:
    (tmp_path / "models--a--empty").mkdir()
    (tmp_path / "models--a--half" / "blobs").mkdir(parents=True)
    (tmp_path / "models--a--half" / "blobs" / "x.incomplete").write_bytes(b"1234")
    (tmp_path / "datasets--a--b").mkdir()
    (tmp_path / "models--a--bad" / "refs").mkdir(parents=True)
    (tmp_path / "models--a--bad" / "refs" / "main").write_bytes(b"\xff\xfe")
    found = cached_models(tmp_path)
    assert [(model.name, model.incomplete_bytes) for model in found] == [("a/half", 4)]
