"""Asking the Hub about a repository before anything is downloaded, and searching by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from vconsole.models.catalogue.refreshed import HubFigures
from vconsole.models.hub.cache import repository_folder
from vconsole.models.hub.trouble import explained

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

ASK_WITHIN_S = 20.0
# What vLLM reads beside the weights.
SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken", "*.py", "*.yaml")
SAFETENSORS, PICKLES = "*.safetensors", "*.bin"
ONE_FILE = "consolidated"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """`sha256` is known of big files only; `blob` is how the cache names it."""

    name: str
    size_bytes: int
    blob: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A repository at one commit, with the files that vLLM needs of it."""

    name: str
    commit: str
    files: tuple[RemoteFile, ...]
    figures: HubFigures

    @property
    def total_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def weights_bytes(self) -> int | None:
        return self.figures.weights_bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A repository that a search found; sizes are not known before it is asked for itself."""

    name: str
    downloads: int | None
    likes: int | None
    gated: bool | None
    license: str | None
    quantization: str | None


def ask(name: str) -> RemoteModel:
    """What the Hub says of `name` now: its files and figures. Raises in words (`explained`)."""
    from huggingface_hub import HfApi

    with explained(name):
        info = HfApi().model_info(name, files_metadata=True, timeout=ASK_WITHIN_S)
    files = _wanted(info)
    return RemoteModel(name, info.sha or "main", files, _figures(info, files))


def require_access(name: str) -> None:
    """An error in words where this user may not download from `name`."""
    from huggingface_hub import HfApi

    with explained(name):
        HfApi().auth_check(name)


def ask_config(name: str, commit: str) -> dict[str, Any] | None:
    """The repository's config.json, downloaded into the cache; None where it has none."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    with explained(name):
        try:
            path = hf_hub_download(name, "config.json", revision=commit)
        except EntryNotFoundError:
            return None
        with open(path, "rb") as file:
            try:
                return msgspec.json.decode(file.read(), type=dict[str, Any])
            except (msgspec.DecodeError, json.JSONDecodeError):
                return None


def search(words: str, limit: int = 20) -> tuple[Found, ...]:
    """Repositories whose name has `words`, most downloaded first."""
    from huggingface_hub import HfApi

    with explained(words):
        infos = HfApi().list_models(search=words, sort="downloads", limit=limit)
        return tuple(_found(info) for info in infos)


def already_here_bytes(model: RemoteModel) -> int:
    """Bytes of its files that the cache holds, those of files that are not whole among them."""
    blobs = repository_folder(model.name) / "blobs"
    return sum(_size(blobs, file) for file in model.files)


def _size(blobs: Any, file: RemoteFile) -> int:
    for name in (file.blob, f"{file.blob}.incomplete"):
        try:
            return min(int((blobs / name).stat().st_size), file.size_bytes)
        except OSError:
            continue
    return 0


def _wanted(info: ModelInfo) -> tuple[RemoteFile, ...]:
    """Safetensors where there are any, else pickles; the small files beside them."""
    siblings = [one for one in info.siblings or () if "/" not in one.rfilename]
    names = [PurePosixPath(one.rfilename) for one in siblings]
    safe = any(name.match(SAFETENSORS) for name in names)
    split = any(name.match(SAFETENSORS) and not _is_whole(name) for name in names)
    kept = []
    for one in siblings:
        name = PurePosixPath(one.rfilename)
        weights = name.match(SAFETENSORS if safe else PICKLES)
        if weights and split and _is_whole(name):
            continue
        if weights or any(name.match(pattern) for pattern in SMALL_FILES):
            kept.append(_file(one))
    return tuple(kept)


def _is_whole(name: PurePosixPath) -> bool:
    """Mistral publishes its weights twice: for its own tools in one file, and for the others."""
    return name.name.startswith(ONE_FILE)


def _file(sibling: Any) -> RemoteFile:
    big = sibling.lfs
    sha256 = big.sha256 if big else None
    blob = sha256 or sibling.blob_id or sibling.rfilename
    return RemoteFile(sibling.rfilename, sibling.size or 0, blob, sha256)


def _figures(info: ModelInfo, files: tuple[RemoteFile, ...]) -> HubFigures:
    weights = sum(f.size_bytes for f in files if f.name.endswith((".safetensors", ".bin")))
    card = info.card_data
    license_ = getattr(card, "license", None) if card else None
    return HubFigures(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=info.sha,
        license=license_ if isinstance(license_, str) else None,
        gated=None if info.gated is None else bool(info.gated),
        parameters=info.safetensors.total if info.safetensors else None,
        weights_bytes=weights or None,
    )


def _found(info: ModelInfo) -> Found:
    tags = info.tags or []
    words = ("awq", "gptq", "fp8", "mxfp4", "nvfp4", "gguf", "bitsandbytes", "compressed-tensors")
    license_ = next((tag[8:] for tag in tags if tag.startswith("license:")), None)
    quantization = next((word for word in words if word in tags), None)
    gated = None if info.gated is None else bool(info.gated)
    return Found(info.id, info.downloads, info.likes, gated, license_, quantization)
