"""What a request brings along from files: images, a JSON schema, tools, extra parameters.

Read where the user is, so that paths mean what they mean there; the supervisor gets the content.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from vconsole.errors import ExitCode, VConsoleError

LARGEST_IMAGE_BYTES = 8 << 20
LARGEST_JSON_BYTES = 1 << 20
URL_SCHEMES = ("http://", "https://", "data:")


def image_urls(sources: Iterable[str]) -> tuple[str, ...]:
    """Each image as a URL: URLs stay as they are, files become `data:` URLs."""
    return tuple(source if is_url(source) else _data_url(source) for source in sources)


def is_url(source: str) -> bool:
    return source.lower().startswith(URL_SCHEMES)


def json_object(source: str, what: str) -> dict[str, Any]:
    """A JSON object, written out or in a file of that name."""
    found: dict[str, Any] = _decoded(source, what, dict[str, Any])
    return found


def tool_list(source: str) -> tuple[dict[str, Any], ...]:
    """OpenAI's `tools`, one object or a list of them, written out or in a file."""
    found = _decoded(source, "tools", list[dict[str, Any]] | dict[str, Any])
    return (found,) if isinstance(found, dict) else tuple(found)


def _data_url(source: str) -> str:
    path = Path(source).expanduser()
    kind = mimetypes.guess_type(path.name)[0] or ""
    if not kind.startswith("image/"):
        raise VConsoleError(
            f"{source} does not look like an image by its name",
            "give a file such as photo.png or photo.jpg, or a URL",
            ExitCode.USAGE,
        )
    content = _read(path, LARGEST_IMAGE_BYTES)
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _decoded(source: str, what: str, wanted: Any) -> Any:
    written_out = source.lstrip().startswith(("{", "["))
    text = source.encode() if written_out else _read(Path(source).expanduser(), LARGEST_JSON_BYTES)
    try:
        return msgspec.json.decode(text, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        where = "" if written_out else f" in {source}"
        raise VConsoleError(
            f"the {what}{where} cannot be read: {error}",
            "it has to be JSON, or the name of a file with JSON",
            ExitCode.USAGE,
        ) from error


def _read(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise VConsoleError(
            f"cannot read {path}: {reason}", "check the file's name", ExitCode.USAGE
        ) from error
    if len(content) > most_bytes:
        raise VConsoleError(
            f"{path} is larger than {most_bytes >> 20} MiB",
            "make it smaller, or give a URL that the server can reach",
            ExitCode.USAGE,
        )
    return content
