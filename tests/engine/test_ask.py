"""`vconsole ask` on a real vLLM: pipes, parameters, exports that run, reasoning, tools, aborts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Served
from tests.support.home import Home, Ran, free_port, wait_until
from tests.support.slow_engine import slowed
from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape
from vconsole.models.demo import demo_folder
from vconsole.supervisor.client import HangUp, SupervisorClient
from vconsole.supervisor.model import AskRequest

pytestmark = pytest.mark.engine
LONG = '{"ignore_eos": true}'
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Bonn", "Oslo"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def ask(served: Served, *arguments: str, stdin: str | None = None) -> Ran:
    return served.home.run("ask", *arguments, stdin=stdin)


class Asked:
    """What the server's own counters say of a request of 1,900 tokens since `before`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._before = self._scrape()

    def _scrape(self) -> Scrape:
        return parse(httpx.get(f"{self._url}/metrics", timeout=20).content)

    def begun(self) -> bool:
        return bool(self._scrape().requests_running)

    def was_aborted(self) -> None:
        """Nothing runs any more, and not all of it was generated.

        vLLM 0.32 counts a request whose client left under no reason, `abort` neither.
        """
        wait_until("nothing runs", lambda: not self.begun(), 30)
        now = self._scrape()
        generated = (now.generation_tokens or 0) - (self._before.generation_tokens or 0)
        assert generated < 1900
        time.sleep(0.5)
        assert self._scrape().generation_tokens == now.generation_tokens


def test_stdout_is_the_answer_alone(served: Served) -> None:
    ran = ask(served, "Who", "are", "you?", "--temperature", "0")
    assert ran.code == 0
    assert ran.out.strip()
    assert ran.out.count("\n") == 1
    assert "TTFT" not in ran.out
    for word in ("TTFT", "ITL", "tok/s", "tokens"):
        assert word in ran.err


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_without_words_stdin_is_the_prompt(served: Served, arguments: tuple[str, ...]) -> None:
    ran = ask(served, *arguments, "--json", "--temperature", "0", stdin="Who are you?\n")
    same = ask(served, "Who are you?\n", "--json", "--temperature", "0")
    assert ran.data["prompt_tokens"] == same.data["prompt_tokens"]


def test_words_and_stdin_are_both_sent(served: Served) -> None:
    both = ask(served, "Who is this?", "-", "--json", "--max-tokens", "2", stdin="a fox")
    whole = ask(served, "Who is this?\n\na fox", "--json", "--max-tokens", "2")
    assert both.data["prompt_tokens"] == whole.data["prompt_tokens"]


def test_stdin_that_is_no_text_is_a_usage_error(served: Served) -> None:
    command = [str(Path(sys.executable).parent / "vconsole"), "ask", "-"]
    ran = subprocess.run(
        command, env=served.home.env, input=b"\xff\xfe\x00", capture_output=True, check=False
    )
    assert ran.returncode == 2
    assert b"not UTF-8" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_a_reader_that_leaves_is_no_trouble_and_the_server_stops(served: Served) -> None:
    asked = Asked(served.url)
    with slowed(served.home):
        process = served.home.popen("ask", "A story", "--extra", LONG, "--max-tokens", "1900")
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.wait(30) != 0
        assert process.stderr.read() == ""
        process.stderr.close()
        asked.was_aborted()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_ask_that_is_ended_aborts_in_the_server(served: Served, number: int) -> None:
    asked = Asked(served.url)
    with slowed(served.home):
        process = served.home.popen("ask", "A story", "--extra", LONG, "--max-tokens", "1900")
        assert process.stdout is not None
        process.stdout.read(1)
        process.send_signal(number)
        process.communicate(timeout=30)
        asked.was_aborted()


def test_hanging_up_aborts_while_another_thread_waits(served: Served) -> None:
    asked, hang_up = Asked(served.url), HangUp()
    request = AskRequest("A story", max_tokens=1900, extra=json.loads(LONG))
    seen: list[str] = []

    def read() -> None:
        client = SupervisorClient(served.home.socket)
        seen.extend(event.kind for event in client.ask("main", request, hang_up))

    reader = threading.Thread(target=read)
    with slowed(served.home):
        reader.start()
        wait_until("an answer comes", lambda: seen or asked.begun(), 30)
        hang_up()
        reader.join(10)
        assert not reader.is_alive()
        assert not {"done", "error"} & set(seen)
        asked.was_aborted()


def test_a_seed_makes_the_answer_the_same(served: Served) -> None:
    same = ("Once", "--raw", "--temperature", "1.5", "--max-tokens", "12", "--json", "--seed")
    first, second = ask(served, *same, "7").data, ask(served, *same, "7").data
    assert first["text"] == second["text"]


def test_samples_are_all_there(served: Served) -> None:
    ran = ask(served, "Once", "--raw", "-n", "3", "--max-tokens", "4", "--json")
    assert len(ran.data["samples"]) == 3
    assert ran.data["completion_tokens"] == 12
    assert ran.data["samples"][0]["text"] == ran.data["text"]
    plain = ask(served, "Once", "--raw", "-n", "3", "--max-tokens", "4")
    assert plain.out.count("\n---\n") == 2


def test_a_stop_word_ends_the_answer(served: Served) -> None:
    options = ("--raw", "--temperature", "0", "--max-tokens", "30", "--json")
    whole = ask(served, "Once upon a time", *options).data["text"]
    word = whole.split()[2]
    ended = ask(served, "Once upon a time", *options, "--stop", word).data
    assert word not in ended["text"]
    assert ended["finish_reason"] == "stop"


@pytest.mark.parametrize("raw", [(), ("--raw",)])
def test_a_schema_is_kept_to(served: Served, tmp_path: Path, raw: tuple[str, ...]) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"ok": {"type": "boolean"}},'
                      ' "required": ["ok"], "additionalProperties": false}')  # fmt: skip
    penalty = '{"frequency_penalty": 2.0}'
    ran = ask(served, "Is ice cold?", "--schema", str(schema), "--extra", penalty, *raw)
    assert isinstance(json.loads(ran.out)["ok"], bool)


def test_an_image_for_a_model_without_eyes_is_refused_in_vllms_words(
    served: Served, tmp_path: Path
) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    ran = ask(served, "What is it?", "--image", str(picture))
    assert ran.code == 1
    assert "multimodal" in ran.err


def test_the_curl_command_runs(served: Served) -> None:
    command = ask(served, "Who are you?", "--as", "curl", "--temperature", "0").out
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    events = [line for line in ran.stdout.splitlines() if line.startswith("data: {")]
    pieces = [json.loads(line[6:])["choices"] for line in events]
    text = "".join(choices[0]["delta"].get("content") or "" for choices in pieces if choices)
    assert text == ask(served, "Who are you?", "--temperature", "0").out.strip("\n")


@pytest.mark.parametrize("options", [(), ("--no-stream",), ("--raw",), ("--extra", LONG)])
def test_the_python_script_runs(served: Served, tmp_path: Path, options: tuple[str, ...]) -> None:
    fixed = ("Who are you?", "--temperature", "0", "--max-tokens", "12", *options)
    script = tmp_path / "asking.py"
    script.write_text(ask(served, *fixed, "--as", "python").out)
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout.strip() == ask(served, *fixed).out.strip()


def test_the_batch_line_is_what_the_server_takes(served: Served) -> None:
    line = json.loads(ask(served, "Hello", "--max-tokens", "3", "--as", "batch").out)
    answer = httpx.post(served.url + line["url"], json=line["body"], timeout=30)
    assert answer.json()["usage"]["completion_tokens"] == 3


def test_with_the_supervisor_killed_it_still_asks(served: Served) -> None:
    status = served.home.status()
    os.kill(status["supervisor"]["pid"], signal.SIGKILL)
    ran = ask(served, "Who are you?", "--max-tokens", "4")
    assert ran.code == 0
    assert ran.out.strip()
    assert served.home.status()["server"]["pid"] == status["server"]["pid"]


def test_a_smoke_result_outlives_the_supervisor(served: Served) -> None:
    assert served.home.run("smoke", "--json").data["passed"]
    served.home.run("supervisor", "stop")
    again = served.home.run("smoke", "--json").data
    assert again["passed"]
    assert again["before_at"]
    timed = [check["before_ms"] for check in again["checks"]]
    assert all(before is not None for before in timed)


@pytest.fixture(scope="module")
def special(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two more servers: `thinker` takes all it writes for reasoning, `plain` has no template."""
    folder = tmp_path_factory.mktemp("models")
    thinker = shutil.copytree(demo_folder("demo"), folder / "thinker")
    _add_tokens(thinker / "tokenizer.json", "<think>", "</think>")
    plain = shutil.copytree(demo_folder("demo"), folder / "plain")
    (plain / "chat_template.jinja").unlink()
    tools = ("--enable-auto-tool-choice", "--tool-call-parser", "pythonic")
    _start(served.home, thinker, "--reasoning-parser", "deepseek_r1")
    _start(served.home, plain, "--trust-request-chat-template", *tools)
    yield served
    for name in ("thinker", "plain"):
        served.home.run("stop", "--drain", "0", "--name", name)


def _add_tokens(tokenizer: Path, *tokens: str) -> None:
    """Tokens that the model never writes; the parser of reasoning insists on them."""
    content = json.loads(tokenizer.read_text())
    first = len(content["model"]["vocab"])
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    for number, token in enumerate(tokens, first):
        content["added_tokens"].append({"id": number, "content": token, **plain})
    tokenizer.write_text(json.dumps(content))


def _start(home: Home, model: Path, *flags: str) -> None:
    named = ("--name", model.name, "--port", str(free_port()))
    ran = home.run("start", str(model), *named, "--", "--enforce-eager", *flags)
    assert ran.code == 0, ran.err


def test_reasoning_is_apart_from_the_answer(special: Served) -> None:
    options = ("Who are you?", "--name", "thinker", "--temperature", "0", "--max-tokens", "20")
    data = ask(special, *options, "--json").data
    assert data["text"] == ""
    assert data["reasoning"].strip()
    shown = ask(special, *options, "--show-reasoning")
    assert shown.out == "\n"
    assert data["reasoning"].strip() in shown.err
    assert data["reasoning"].strip() not in ask(special, *options).err


def test_the_smoke_test_names_a_model_that_only_reasons(special: Served) -> None:
    checks: dict[str, dict[str, Any]] = {
        check["name"]: check
        for check in special.home.run("smoke", "--json", "--name", "thinker").data["checks"]
    }
    assert "all that it said is thinking" in checks["answer"]["detail"]
    assert checks["chat"]["passed"]


def test_a_tool_call_is_printed_as_one(special: Served, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([TOOL]))
    extra = {
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "chat_template": "{% for message in messages %}{{ message.content }} {% endfor %}",
    }
    options = ("In Bonn?", "--name", "plain", "--tools", str(tools), "--extra", json.dumps(extra))
    for more in ((), ("--no-stream",)):
        ran = ask(special, *options, *more, "--json")
        assert ran.code == 0, ran.err
        (call,) = ran.data["tool_calls"]
        assert call["tool"] == "weather"
        assert json.loads(call["arguments"])["city"] in {"Bonn", "Oslo"}


def test_a_model_without_template_is_asked_plainly_and_smoked(special: Served) -> None:
    ran = ask(special, "Once upon", "--name", "plain", "--max-tokens", "4")
    assert ran.code == 0
    assert ran.out.strip()
    assert "no chat template" in ran.err
    report = special.home.run("smoke", "--json", "--name", "plain").data
    assert report["passed"], report
    chat = next(check for check in report["checks"] if check["name"] == "chat")
    assert "no chat template" in chat["detail"]


def test_a_server_that_stops_in_mid_answer_is_said(special: Served) -> None:
    with slowed(special.home, "plain"):
        process = special.home.popen(
            *("ask", "A story", "--name", "plain", "--extra", LONG, "--max-tokens", "1900")
        )
        assert process.stdout is not None
        process.stdout.read(1)
        special.home.run("stop", "--drain", "0", "--name", "plain")
    out, err = process.communicate(timeout=60)
    assert process.returncode in {1, 3}
    assert out
    assert "error: " in err
    assert "Traceback" not in err
