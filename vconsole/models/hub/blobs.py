"""Big files into the cache, going on where an earlier pull stopped.

The library's own download starts a file anew after each end of its process. This one leaves what
it has under the blob's name with `.incomplete`, goes on from there with the library's `http_get`,
and checks the sum before the blob gets its name, so that the library finds it whole.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from vconsole.errors import VConsoleError
from vconsole.models.hub.cache import INCOMPLETE, repository_folder
from vconsole.models.hub.remote import RemoteFile, RemoteModel
from vconsole.models.hub.trouble import explained

CHUNK_BYTES = 8 << 20
# The Hub serves no larger file over plain HTTP (huggingface_hub.constants.MAX_HTTP_DOWNLOAD_SIZE).
LARGEST_BYTES = 50 * 1000**3


def bring_blob(model: RemoteModel, file: RemoteFile) -> None:
    """Have the blob of a big file whole in the cache; small files are left to the library."""
    if file.sha256 is None or file.size_bytes > LARGEST_BYTES:
        return
    blobs = repository_folder(model.name) / "blobs"
    target, partial = blobs / file.blob, blobs / f"{file.blob}{INCOMPLETE}"
    if target.exists():
        return
    blobs.mkdir(parents=True, exist_ok=True)
    with explained(model.name):
        _download(model, file, partial)
    if _sha256(partial) != file.sha256:
        partial.unlink(missing_ok=True)
        raise VConsoleError(
            f"{file.name} of {model.name} arrived damaged and was thrown away",
            "pull again; what else has arrived is kept",
            kind="damaged",
        )
    partial.replace(target)


def _download(model: RemoteModel, file: RemoteFile, partial: Path) -> None:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    url = hf_hub_url(model.name, file.name, revision=model.commit)
    metadata = get_hf_file_metadata(url)
    with partial.open("ab") as out:
        begun_bytes = out.tell()
        if begun_bytes > file.size_bytes:
            out.truncate(begun_bytes := 0)
        away = urlsplit(metadata.location).netloc != urlsplit(url).netloc
        # A storage host of its own gets no token of the Hub's.
        headers = build_hf_headers(token=False if away else None)
        http_get(
            metadata.location,
            out,
            resume_size=begun_bytes,
            headers=headers,
            expected_size=file.size_bytes,
        )


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()
