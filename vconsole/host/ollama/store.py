"""What Ollama has on disk: models by name, with what their weights say of themselves.

A manifest is `manifests/HOST/NAMESPACE/MODEL/TAG`; its layer of weights names a blob, a GGUF file.
Where the store is another user's and closed, Ollama's own API tells the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from vconsole.host import procfs
from vconsole.host.ollama.api import ollama_url
from vconsole.host.ollama.gguf_header import NotGgufError, Value, read_header
from vconsole.host.ollama.owner import Owner, OwnerKind, find_owner

WEIGHTS = "application/vnd.ollama.image.model"
# Of the service that Ollama's installer sets up.
SERVICE_STORE = Path("/usr/share/ollama/.ollama/models")
SNAP_STORE = Path("/var/snap/ollama/common/models")
OWN_HOST, OWN_NAMESPACE = "registry.ollama.ai", "library"
TIMEOUT_S = 10.0
ELSEWHERE = (OwnerKind.CONTAINER, OwnerKind.FORWARDED)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """`name` as `ollama run` takes it; `metadata` has GGUF's own keys, empty where unreadable."""

    name: str
    bytes: int | None = None
    metadata: dict[str, Value] = field(default_factory=dict)
    source: str = "store"


@dataclass(frozen=True, slots=True)
class _Layer:
    mediaType: str = ""
    digest: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Manifest:
    layers: tuple[_Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class _Listed:
    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class _Tags:
    models: tuple[_Listed, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    model_info: dict[str, msgspec.Raw] = field(default_factory=dict)


def stored_models() -> tuple[StoredModel, ...]:
    """Every model of the first store that can be read, else what Ollama's API tells.

    The store of one in a container, or behind a forwarded port, is not among this host's folders.
    """
    owner = find_owner()
    if owner is not None and owner.kind in ELSEWHERE:
        return told_models() or ()
    for root in _folders(owner):
        if os.access(root / "manifests", os.R_OK | os.X_OK):
            return read_store(root)
    return told_models() or ()


def store_folders() -> tuple[Path, ...]:
    """Where a store may be: the named one alone, if one is named here or to the one that runs."""
    return _folders(find_owner())


def _folders(owner: Owner | None) -> tuple[Path, ...]:
    named = os.environ.get("OLLAMA_MODELS") or _named_to(owner)
    if named:
        return (Path(named).expanduser(),)
    return (Path.home() / ".ollama" / "models", SERVICE_STORE, SNAP_STORE)


def _named_to(owner: Owner | None) -> str | None:
    """What its unit or its shell told it; another user's process does not show that."""
    if owner is None or owner.pid is None or owner.kind in ELSEWHERE:
        return None
    return procfs.environment(owner.pid).get("OLLAMA_MODELS")


def read_store(root: Path) -> tuple[StoredModel, ...]:
    """The models of a store; a manifest that cannot be read is left out."""
    manifests = root / "manifests"
    files = sorted(path for path in manifests.glob("*/*/*/*") if path.is_file())
    found = (_stored(root, path, path.relative_to(manifests).parts) for path in files)
    return tuple(one for one in found if one)


def told_models(url: str | None = None) -> tuple[StoredModel, ...] | None:
    """The same through `/api/tags` and `/api/show`; None where no Ollama answers."""
    try:
        with httpx.Client(
            base_url=url or ollama_url(), timeout=TIMEOUT_S, trust_env=False
        ) as client:
            answer = client.get("/api/tags").raise_for_status()
            listed = msgspec.json.decode(answer.content, type=_Tags).models or ()
            return tuple(
                StoredModel(one.name, one.size, _shown(client, one.name), "Ollama's API")
                for one in listed
            )
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError):
        return None


def _shown(client: httpx.Client, name: str) -> dict[str, Value]:
    try:
        answer = client.post("/api/show", json={"model": name}).raise_for_status()
        info = msgspec.json.decode(answer.content, type=_Shown).model_info
    except (httpx.HTTPError, msgspec.MsgspecError):
        return {}
    values = ((key, msgspec.json.decode(bytes(raw))) for key, raw in info.items())
    return {key: value for key, value in values if isinstance(value, str | int | float)}


def _stored(root: Path, path: Path, parts: tuple[str, ...]) -> StoredModel | None:
    try:
        layers = msgspec.json.decode(path.read_bytes(), type=_Manifest).layers
    except (OSError, msgspec.MsgspecError):
        return None
    weights = next((layer for layer in layers if layer.mediaType == WEIGHTS), None)
    if weights is None:
        return None
    blob = root / "blobs" / weights.digest.replace(":", "-")
    try:
        metadata = read_header(blob)
    except (OSError, NotGgufError):
        metadata = {}
    return StoredModel(_name(parts), weights.size, metadata)


def _name(parts: tuple[str, ...]) -> str:
    host, namespace, model, tag = parts
    before = [] if host == OWN_HOST else [host]
    before += [] if (host, namespace) == (OWN_HOST, OWN_NAMESPACE) else [namespace]
    return f"{'/'.join((*before, model))}:{tag}"
