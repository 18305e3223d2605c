"""The Hugging Face cache on this machine: what is in it, and taking something out of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError

INCOMPLETE = ".incomplete"


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A repository in the cache; `snapshot` is the folder of its newest revision with a config.

    `incomplete_bytes` lie there of files that are not whole.
    """

    name: str
    snapshot: Path | None
    size_bytes: int
    incomplete_bytes: int = 0


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the library keeps models: HF_HUB_CACHE, else below HF_HOME; read without importing it.

    Source: huggingface_hub/constants.py.
    """
    given = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return Path(os.path.expandvars(given)).expanduser()
    home = environment.get("HF_HOME") or "~/.cache/huggingface"
    if "HF_HOME" not in environment and (xdg := environment.get("XDG_CACHE_HOME")):
        home = f"{xdg}/huggingface"
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def repository_folder(name: str, cache: Path | None = None) -> Path:
    """Where the cache keeps a repository, there or not."""
    return (cache or cache_folder()) / f"models--{name.replace('/', '--')}"


def repository_name(folder_name: str) -> str:
    """The repository that the cache keeps in the folder `models--OWNER--NAME`."""
    return folder_name.removeprefix("models--").replace("--", "/", 1)


def cached_models(cache: Path | None = None) -> tuple[CachedModel, ...]:
    """Every model in the cache, by name; none where there is no cache."""
    folder = cache or cache_folder()
    try:
        found = [entry for entry in folder.iterdir() if entry.name.startswith("models--")]
    except OSError:
        return ()
    models = (_model(entry) for entry in found)
    return tuple(sorted((m for m in models if m), key=lambda model: model.name))


def _model(folder: Path) -> CachedModel | None:
    name = repository_name(folder.name)
    blobs = [(path.name, path.stat().st_size) for path in _files(folder / "blobs")]
    partial = sum(size for file, size in blobs if file.endswith(INCOMPLETE))
    snapshot = snapshot_of(folder)
    if snapshot is None and not blobs:
        return None
    whole = sum(size for _, size in blobs) - partial
    return CachedModel(name, snapshot, whole or _size_of(snapshot), partial)


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _size_of(snapshot: Path | None) -> int:
    """The size of a cache on a file system without links, where there are no blobs."""
    return sum(path.stat().st_size for path in _files(snapshot)) if snapshot else 0


def snapshot_of(folder: Path) -> Path | None:
    """Of a repository's folder the revision that `main` names, else the newest with a config."""
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
        named = folder / "snapshots" / commit
        if (named / "config.json").is_file():
            return named
        others = sorted((folder / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime)
    except (OSError, UnicodeDecodeError):
        others = []
    return next((path for path in reversed(others) if (path / "config.json").is_file()), None)


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking a model out of the cache would free."""

    name: str
    path: str
    freed_bytes: int


def plan_removal(name: str, cache: Path | None = None) -> Removal:
    """The removal of `name`, not carried out yet; an error where the cache has no such model."""
    folder = repository_folder(name, cache)
    if not folder.is_dir():
        raise VConsoleError(
            f"{name} is not in the cache {folder.parent}",
            "`vconsole models list --local` shows what is there",
            ExitCode.FAILED,
            "not_found",
        )
    freed = sum(path.stat().st_size for path in _files(folder / "blobs"))
    freed = freed or sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return Removal(name, str(folder), freed)


def remove(name: str, cache: Path | None = None) -> Removal:
    """Take a model with all its revisions out of the cache."""
    import shutil

    from huggingface_hub import scan_cache_dir

    planned = plan_removal(name, cache)
    scanned = scan_cache_dir(cache or cache_folder())
    found = [repo for repo in scanned.repos if repo.repo_id == name and repo.repo_type == "model"]
    revisions = [revision.commit_hash for repo in found for revision in repo.revisions]
    try:
        if revisions:
            scanned.delete_revisions(*revisions).execute()
        # What a pull that was given up left behind is no revision.
        shutil.rmtree(planned.path, ignore_errors=False) if Path(planned.path).exists() else None
    except OSError as error:
        raise VConsoleError(
            f"{name} could not be removed: {error}", f"see who owns {planned.path}"
        ) from error
    return planned
