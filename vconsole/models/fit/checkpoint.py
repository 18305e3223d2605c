"""The weights on disk, without reading them: safetensors headers, or the index of the shards.

A safetensors file begins with the length of its JSON header (8 bytes, little-endian); each entry
gives a tensor's dtype and its place as two byte offsets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from vconsole.errors import VConsoleError
from vconsole.models.fit.facts import Checkpoint, TensorGroup

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
LARGEST_HEADER_BYTES = 100 << 20
# What a name says a tensor is for; the first that matches.
ROLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mtp", re.compile(r"(?:^|\.)(?:mtp|mtp_block|nextn|eh_proj)(?:\.|_layers\.)")),
    ("vision", re.compile(r"visual|vision|image_newline|mm_projector|multi_modal|audio_tower")),
    ("lm_head", re.compile(r"(?:^|\.)(?:lm_head|embed_out)\.")),
    ("embedding", re.compile(r"embed_tokens|word_embeddings|\bwte\b|tok_embeddings")),
    ("expert", re.compile(r"\.experts?\.|block_sparse_moe")),
    ("norm", re.compile(r"norm")),
    ("linear", re.compile(r"")),
)
LAYER = re.compile(r"\blayers\.(\d+)\.")


def read_checkpoint(folder: Path, num_layers: int | None) -> Checkpoint | None:
    """The checkpoint in `folder`; None where there is none. VConsoleError where it is damaged.

    Headers are preferred to the index, and the index to the sizes of `.bin` files.
    """
    index, source = _read_index(folder)
    files = _shards(folder, index)
    if files:
        return _from_headers(files, num_layers)
    if index is not None:
        return _from_index(index, source, num_layers)
    binaries = sorted(folder.glob("pytorch_model*.bin"))
    size = sum(path.stat().st_size for path in binaries)
    return Checkpoint(size, source="the sizes of the .bin files") if size else None


def role_of(name: str, num_layers: int | None) -> str:
    """What the tensor is for; layers beyond the model's own are heads that draft tokens."""
    layer = LAYER.search(name)
    if layer and num_layers and int(layer[1]) >= num_layers and "vision" not in name:
        return "mtp"
    return next(role for role, pattern in ROLES if pattern.search(name))


def _read_index(folder: Path) -> tuple[dict[str, Any] | None, str]:
    for name in INDEXES:
        path = folder / name
        if path.is_file():
            return _decoded(path, path.read_bytes()), name
    return None, ""


def _shards(folder: Path, index: dict[str, Any] | None) -> list[Path]:
    """The safetensors files that are all there: those that the index names, or all."""
    named = (index or {}).get("weight_map")
    if isinstance(named, dict) and named:
        files = [folder / str(name) for name in sorted(set(map(str, named.values())))]
        complete = all(path.is_file() and path.suffix == ".safetensors" for path in files)
        return files if complete else []
    if index is not None:
        return []
    files = sorted(folder.glob("*.safetensors"))
    apart = [path for path in files if not path.name.startswith("consolidated")]
    return apart or files


def _from_headers(files: Iterable[Path], num_layers: int | None) -> Checkpoint:
    sizes: Counter[tuple[str, str]] = Counter()
    for path in files:
        for name, tensor in _header(path).items():
            if name == "__metadata__" or not isinstance(tensor, dict):
                continue
            try:
                begin, end = tensor["data_offsets"]
                sizes[role_of(name, num_layers), str(tensor["dtype"])] += int(end) - int(begin)
            except (KeyError, TypeError, ValueError):
                raise _damaged(path, f"the entry of {name} is not a tensor's") from None
    groups = tuple(TensorGroup(*key, size) for key, size in sorted(sizes.items()))
    roles = frozenset(group.role for group in groups)
    return Checkpoint(sum(sizes.values()), groups, roles, "the safetensors headers")


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= LARGEST_HEADER_BYTES:
            raise _damaged(path, "its header has no plausible length")
        return _decoded(path, file.read(length))


def _from_index(index: dict[str, Any], source: str, num_layers: int | None) -> Checkpoint | None:
    metadata = index.get("metadata")
    size = metadata.get("total_size") if isinstance(metadata, dict) else None
    if not isinstance(size, (int, float)) or size <= 0:
        return None
    names = index.get("weight_map")
    known = names if isinstance(names, dict) else {}
    roles = frozenset(role_of(str(name), num_layers) for name in known)
    return Checkpoint(int(size), (), roles, f"metadata.total_size of {source}")


def _decoded(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, why: str) -> VConsoleError:
    return VConsoleError(
        f"{path} cannot be read: {why}",
        "download the file again; an interrupted download leaves such files",
        kind="model_unreadable",
    )
