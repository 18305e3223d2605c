"""Ollama's store as it is on disk, with GGUF files of the `gguf` package, and the answers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import gguf
import numpy
import pytest

from tests.support.ollama_stand_in import ollama_stand_in
from vconsole.host.ollama.gguf_header import NotGgufError, read_header
from vconsole.host.ollama.store import read_store, stored_models, told_models
from vconsole.models.catalogue import load_catalogue
from vconsole.supervisor.ollama.equivalents import Confidence, Equivalent, _table, equivalents

REPO = "https://huggingface.co/Qwen/Qwen3-8B"


def write_gguf(path: Path, layers: int, width: int, base: str | None = None) -> None:
    """A GGUF as converters write it: general, architecture, vocabulary, one tensor."""
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("A model")
    if base:
        writer.add_base_model_count(1)
        writer.add_base_model_repo_url(0, base)
    writer.add_block_count(layers)
    writer.add_embedding_length(width)
    writer.add_array("general.tags", ["chat", "text-generation"])
    writer.add_file_type(15)
    writer.add_token_list(["a", "b", "c"])
    writer.add_tensor("token_embd.weight", numpy.zeros((3, 4), dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def store_model(root: Path, name: str, layers: int, width: int, base: str | None = None) -> None:
    """Put one into the store under `HOST/NAMESPACE/MODEL/TAG`, as Ollama lays it out."""
    blobs = root / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    made = blobs / "made"
    write_gguf(made, layers, width, base)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    size = made.stat().st_size
    made.rename(blobs / f"sha256-{digest}")
    layer = {"mediaType": "application/vnd.ollama.image.model", "size": size}
    manifest = root / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    text = {"schemaVersion": 2, "layers": [layer | {"digest": f"sha256:{digest}"}]}
    manifest.write_text(json.dumps(text))


LIBRARY = "registry.ollama.ai/library"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "models"
    monkeypatch.setenv("OLLAMA_MODELS", str(root))
    store_model(root, f"{LIBRARY}/qwen3/8b", 36, 4096)
    store_model(root, f"{LIBRARY}/qwen3/14b", 36, 4096)
    store_model(root, f"{LIBRARY}/qwen3/latest", 36, 4096)
    store_model(root, "registry.ollama.ai/ada/mine/v1", 36, 4096, REPO)
    store_model(root, "hf.co/someone/other-GGUF/Q4_K_M", 12, 512, "https://huggingface.co/some/o")
    return root


def found(root: Path) -> dict[str, Equivalent]:
    return {one.name: one for one in equivalents(read_store(root), load_catalogue())}


def test_a_name_with_the_right_shape_is_certain(store: Path) -> None:
    one = found(store)["qwen3:8b"]
    assert (one.repository, one.confidence) == ("Qwen/Qwen3-8B", Confidence.CERTAIN)
    assert set(one.others) == {"Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B-FP8"}


def test_a_name_with_another_shape_is_unknown(store: Path) -> None:
    one = found(store)["qwen3:14b"]
    assert (one.repository, one.confidence) == (None, Confidence.UNKNOWN)
    assert "another shape" in one.why


def test_a_moving_tag_is_unknown(store: Path) -> None:
    assert found(store)["qwen3:latest"].confidence is Confidence.UNKNOWN


def test_what_the_file_itself_names(store: Path) -> None:
    all_found = found(store)
    assert all_found["ada/mine:v1"].confidence is Confidence.CERTAIN
    assert all_found["ada/mine:v1"].repository == "Qwen/Qwen3-8B"
    other = all_found["hf.co/someone/other-GGUF:Q4_K_M"]
    assert (other.repository, other.confidence) == ("some/o", Confidence.LIKELY)


def test_a_torn_blob_leaves_the_name(store: Path) -> None:
    for blob in (store / "blobs").iterdir():
        blob.write_bytes(blob.read_bytes()[:60])
    one = found(store)["qwen3:8b"]
    assert (one.repository, one.confidence) == ("Qwen/Qwen3-8B", Confidence.LIKELY)
    (store / "manifests" / LIBRARY / "qwen3" / "8b").write_text("{not json")
    assert "qwen3:8b" not in found(store)


def test_our_reader_agrees_with_the_gguf_package(store: Path) -> None:
    for blob in (store / "blobs").iterdir():
        ours = read_header(blob)
        for key, value in ours.items():
            field = gguf.GGUFReader(blob).get_field(key)
            assert field is not None
            assert field.contents() == value
        assert ours["qwen3.block_count"] in (36, 12)


def test_no_gguf_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(NotGgufError, match="is no GGUF"):
        read_header(tmp_path / "blob")


def test_a_store_that_cannot_be_read_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "nothing"))
    with ollama_stand_in() as peer:
        peer.on_disk["llama3.1:8b"] = 10
        monkeypatch.setenv("OLLAMA_HOST", peer.url)
        told = told_models()
        assert told == stored_models()
    assert told is not None
    (one,) = equivalents(told, load_catalogue())
    assert (one.repository, one.confidence) == (
        "meta-llama/Llama-3.1-8B-Instruct",
        Confidence.LIKELY,
    )
    assert told_models("http://127.0.0.1:9") is None


def test_every_repository_of_the_table_is_in_the_catalogue() -> None:
    catalogue = load_catalogue()
    named = [repo for sizes in _table().values() for repo in sizes.values()]
    assert [repo for repo in named if catalogue.find(repo) is None] == []
