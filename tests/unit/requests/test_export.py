"""A request taken away: as a curl command, as Python, as a line of a batch."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

import pytest

from vconsole.requests.bodies import path_and_body
from vconsole.requests.export import END_OF_BODY, Form, exported
from vconsole.requests.messages import AskRequest, Turn

URL = "http://127.0.0.1:8000"
NASTY = 'it\'s "quoted"\n$(id) `id` \\ 漢字 END_OF_BODY'
REQUESTS = {
    "plain": AskRequest("hi"),
    "nasty": AskRequest(NASTY, system=NASTY, stop=("\n", "'")),
    "raw": AskRequest("once", raw=True, max_tokens=4, seed=1, stream=False),
    "whole": AskRequest(
        "hi",
        max_tokens=8,
        temperature=0.5,
        top_p=0.9,
        samples=2,
        json_schema={"type": "object"},
        images=("https://example.org/a.png",),
        turns=(Turn("user", "a"), Turn("assistant", "b")),
        extra={"min_p": 0.1},
    ),
}
each = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())


@each
def test_the_curl_command_carries_the_body_whole(request_: AskRequest) -> None:
    text = exported(Form.CURL, request_, URL, "m")
    command, _, document = text.partition(f"<<'{END_OF_BODY}'\n")
    body, end, rest = document.rpartition(f"\n{END_OF_BODY}")
    path, wanted = path_and_body(request_, "m")
    assert json.loads(body) == wanted
    assert end
    assert not rest
    assert f"\n{END_OF_BODY}\n" not in body
    words = shlex.split(command.replace("\\\n", " "))
    assert URL + path in words


@each
def test_the_python_script_calls_openai_with_the_body(request_: AskRequest) -> None:
    tree = ast.parse(exported(Form.PYTHON, request_, URL, "m"))
    call = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("completions.create")
    )
    given: dict[str, Any] = {k.arg or "": ast.literal_eval(k.value) for k in call.keywords}
    given |= given.pop("extra_body", {})
    path, wanted = path_and_body(request_, "m")
    assert given == wanted
    assert ("chat" in ast.unparse(call.func)) == ("chat" in path)


@each
def test_the_batch_line_is_one_line_without_streaming(request_: AskRequest) -> None:
    text = exported(Form.BATCH, request_, f"{URL}/v1/", "m")
    assert "\n" not in text
    line = json.loads(text)
    path, wanted = path_and_body(request_, "m")
    assert (line["url"], line["method"]) == (path, "POST")
    assert line["body"] == {k: v for k, v in wanted.items() if not k.startswith("stream")}


def test_no_key_is_ever_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    texts = [exported(form, AskRequest("hi"), URL, "m") for form in Form]
    assert not [text for text in texts if "sesame" in text]
