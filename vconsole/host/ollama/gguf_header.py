"""The head of a GGUF file: what the model says of itself, without its weights or its vocabulary.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (little-endian, versions 2 and 3).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

Value = str | int | float | bool
MAGIC = b"GGUF"
SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
STRING, ARRAY = 8, 9
LONGEST_TEXT_BYTES = 1 << 20
MOST_KEYS = 4096
# Vocabularies come last and are megabytes.
VOCABULARY = "tokenizer."


class NotGgufError(ValueError):
    """The file is no GGUF of a version that is known, or it is torn."""


def read_header(path: Path) -> dict[str, Value]:
    """Its scalar metadata by key, up to the vocabulary; arrays are left out."""
    found: dict[str, Value] = {}
    with path.open("rb") as file:
        if file.read(4) != MAGIC or _number(file, "<I") not in (2, 3):
            raise NotGgufError(f"{path} is no GGUF of version 2 or 3")
        _number(file, "<Q")
        for _ in range(min(int(_number(file, "<Q")), MOST_KEYS)):
            key = _text(file)
            if key.startswith(VOCABULARY):
                break
            value = _value(file, int(_number(file, "<I")))
            if value is not None:
                found[key] = value
    return found


def _value(file: BinaryIO, kind: int) -> Value | None:
    if kind == STRING:
        return _text(file)
    if kind == ARRAY:
        inner, count = int(_number(file, "<I")), int(_number(file, "<Q"))
        _skip(file, inner, count)
        return None
    if kind not in SCALARS:
        raise NotGgufError(f"a value of the unknown type {kind}")
    return _number(file, SCALARS[kind])


def _skip(file: BinaryIO, kind: int, count: int) -> None:
    if kind in SCALARS:
        file.seek(struct.calcsize(SCALARS[kind]) * count, 1)
        return
    for _ in range(count):
        _value(file, kind)


def _text(file: BinaryIO) -> str:
    length = int(_number(file, "<Q"))
    if length > LONGEST_TEXT_BYTES:
        raise NotGgufError(f"a text of {length} bytes")
    return _bytes(file, length).decode("utf-8", "replace")


def _number(file: BinaryIO, form: str) -> int | float | bool:
    value: int | float | bool = struct.unpack(form, _bytes(file, struct.calcsize(form)))[0]
    return value


def _bytes(file: BinaryIO, count: int) -> bytes:
    read = file.read(count)
    if len(read) != count:
        raise NotGgufError("it ends in the middle of its header")
    return read
