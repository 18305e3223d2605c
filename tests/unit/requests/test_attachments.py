"""What a request brings along from files, and what is said where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.attachments import (
    LARGEST_IMAGE_BYTES,
    LARGEST_JSON_BYTES,
    image_urls,
    json_object,
    tool_list,
)


def test_urls_stay_and_files_become_data(tmp_path: Path) -> None:
    picture = tmp_path / "a picture.PNG"
    picture.write_bytes(b"\x89PNG")
    assert image_urls(["https://host/x", "data:image/png;base64,AA==", str(picture)]) == (
        "https://host/x",
        "data:image/png;base64,AA==",
        "data:image/png;base64,iVBORw==",
    )


def test_json_is_written_out_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type": "object"}')
    assert json_object(str(file), "schema") == {"type": "object"}
    assert json_object(' {"a": 1}', "schema") == {"a": 1}
    assert tool_list('[{"type": "function"}]') == ({"type": "function"},)
    assert tool_list('{"type": "function"}') == ({"type": "function"},)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nothing.png", "cannot read nothing.png: No such file"),
        ("notes.txt", "does not look like an image"),
        ("a\0b.png", "cannot read"),
        ("large.png", "larger than 8 MiB"),
    ],
)
def test_an_image_that_cannot_be_sent_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.png").write_bytes(bytes(LARGEST_IMAGE_BYTES + 1))
    with pytest.raises(VConsoleError, match=words) as caught:
        image_urls([source])
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"", b" " * LARGEST_JSON_BYTES])
def test_a_schema_that_is_none_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(content)
    with pytest.raises(VConsoleError, match="schema") as caught:
        json_object(str(file), "JSON schema")
    assert caught.value.exit_code == ExitCode.USAGE
