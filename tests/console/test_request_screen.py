"""The keys of the Request screen: ask, stop, repeat, copy, and the parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from tests.console.make_screenshots import PROMPT, typed
from vconsole.supervisor.model import AskEvent, ErrorBody, Status
from vconsole.tui.requests.asked_file import asked_path
from vconsole.tui.screens.request import RequestScreen

GOOD = Path("good.log")


async def open_request(pilot: Pilot[None]) -> RequestScreen:
    await until_live(pilot)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, RequestScreen), "the screen came")
    screen = pilot.app.screen
    assert isinstance(screen, RequestScreen)
    return screen


async def ask(pilot: Pilot[None], screen: RequestScreen, text: str) -> None:
    await pilot.press(*typed(text), "enter")
    await until(pilot, lambda: bool(screen.shown and not screen.shown.running), "it was answered")


async def test_an_answer_streams_in_with_its_figures(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        stage.peer.hold_answer.clear()
        await pilot.press(*typed(PROMPT), "enter")
        await until(pilot, lambda: "reasoning" in painted(app), "the reasoning came in")
        assert "esc stops it" in painted(app)
        stage.peer.hold_answer.set()
        await until(pilot, lambda: "TTFT 82 ms" in painted(app), "the figures came")
        assert "tok/s 63.5" in painted(app)
        assert PROMPT in painted(app)
        assert "runs out of speed" in painted(app)
        assert stage.peer.asked[0][1]["prompt"] == PROMPT
        assert stage.peer.asked[0][1]["max_tokens"] == 512
        assert screen.prompt.text == ""


async def test_esc_stops_the_answer_then_leaves_the_field(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.hold_answer.clear()
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_request(pilot)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: "reasoning" in painted(app), "it began")
        await pilot.press("escape")
        assert "stopped after 1 piece" in painted(app)
        stage.peer.hold_answer.set()
        await pilot.pause(0.3)
        assert "runs out of speed" not in painted(app)
        await pilot.press("escape", "1")
        await until(pilot, lambda: app.screen_name == "overview", "the digit was a key again")


async def test_earlier_requests_are_recalled_and_sent_again(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "one")
        await ask(pilot, screen, "two")
        await pilot.press("up")
        assert screen.prompt.text == "two"
        await pilot.press("up")
        assert screen.prompt.text == "one"
        assert screen.shown is not None
        assert screen.shown.number == 1
        await pilot.press("enter")
        await until(pilot, lambda: len(stage.peer.asked) == 3, "it was sent again")
        assert [body["prompt"] for _, body in stage.peer.asked] == ["one", "two", "one"]


async def test_ctrl_j_breaks_the_line(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await pilot.press("a", "ctrl+j", "b")
        assert screen.prompt.text == "a\nb"
        assert stage.peer.asked == []


async def test_parameters_unfold_at_80_and_are_sent(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        assert "Parameters" not in painted(app)
        await pilot.press("f2", *"brief", "tab", "end", "backspace", "tab", "0", "full_stop", "5")
        await until(pilot, lambda: "Parameters" in painted(app), "the column came")
        await pilot.press("f2")
        await ask(pilot, screen, "hi")
        body = stage.peer.asked[0][1]
        assert (body["system"], body["max_tokens"], body["temperature"]) == ("brief", 51, 0.5)


async def test_y_copies_the_answer(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "hi")
        await pilot.press("escape", "y")
        assert app.clipboard.endswith("runs out of speed.")


async def test_a_refused_request_shows_why(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.refusal = ErrorBody("refused", "the prompt is too long", "shorten it", 5)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "hi")
        assert "the prompt is too long" in painted(app)
        assert "shorten it" in painted(app)


async def test_without_a_server_it_says_which_key_helps(stage: Stage) -> None:
    stage.supervise(sketches.stopped(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_request(pilot)
        assert "No server runs" in painted(app)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert stage.peer.asked == []


TOOL = '{"type": "function", "function": {"name": "weather"}}'


def sample_events(samples: int) -> tuple[AskEvent, ...]:
    pieces = [AskEvent("text", f"answer {place}", sample=place) for place in range(samples)]
    reasons = ("stop",) * (samples - 1) + ("length",)
    return (*pieces, AskEvent("done", finish_reason="stop", finish_reasons=reasons))


async def fill(pilot: Pilot[None], screen: RequestScreen, **fields: str) -> None:
    for id, value in fields.items():
        screen.query_one(f"#{id.replace('_', '-')}", Input).value = value
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_samples_stand_side_by_side_or_one_by_one(
    stage: Stage, size: tuple[int, int]
) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = sample_events(3)
    app = stage.console()
    async with app.run_test(size=size) as pilot:
        screen = await open_request(pilot)
        await fill(pilot, screen, samples="3")
        await pilot.press("f2", "f2")  # the column away, as it is at 80
        await ask(pilot, screen, "hi")
        seen = [text for text in ("answer 0", "answer 1", "answer 2") if text in painted(app)]
        assert seen == (["answer 0"] if size[0] == 80 else ["answer 0", "answer 1", "answer 2"])
        assert "1 of 3" in painted(app)
        await pilot.press("escape", "greater_than_sign", "greater_than_sign")
        assert "answer 2" in painted(app)
        assert "3 of 3" in painted(app)
        assert "cut at the length given" in painted(app)
        await pilot.press("y")
        assert app.clipboard == "answer 2"
        await pilot.press("less_than_sign", "y", "f6", "f6", "y")
        assert app.clipboard == "answer 0"
        assert [body["samples"] for _, body in stage.peer.asked] == [3]


async def test_the_same_prompt_goes_to_several_servers_and_often(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.publish(with_second(stage.peer.status))
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        screen = await open_request(pilot)
        await fill(pilot, screen, servers="main, second", copies="2")
        await ask(pilot, screen, "hi")
        assert sorted(stage.peer.asked_of) == ["main", "main", "second", "second"]
        assert "1 of 4  main" in painted(app)
        await pilot.press("f5")
        await until(pilot, lambda: len(stage.peer.asked) == 8, "all were sent again")


def with_second(status: Status) -> Status:
    return replace(status, servers=(status.server, replace(status.server, name="second")))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("max_tokens", "many", "most tokens: many is no number"),
        ("temperature", "-1", "temperature: -1 is no number"),
        ("temperature", "nan", "temperature: nan is no number"),
        ("schema", "{", "JSON schema: the JSON schema cannot be read"),
        ("tools", "missing.json", "tools: cannot read missing.json"),
        ("copies", "9", "there is room for 8 answers"),
        ("servers", "nobody", "There is no server nobody"),
    ],
)
async def test_a_field_that_makes_no_sense_is_named_and_nothing_sent(
    stage: Stage, field: str, value: str, words: str
) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await fill(pilot, screen, **{field: value})
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: words in " ".join(toasts(app)), "it was said")
        assert stage.peer.asked == []
        assert screen.prompt.text == "hi"


async def test_every_parameter_is_sent(stage: Stage, tmp_path: Path) -> None:
    stage.supervise(sketches.ready(GOOD))
    picture = tmp_path / "a.png"
    picture.write_bytes(b"png")
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await fill(
            pilot,
            screen,
            top_p="0.9",
            stop="END, \\n",
            seed="7",
            schema='{"type": "object"}',
            tools=TOOL,
            image=str(picture),
            extra='{"min_p": 0.1}',
        )
        await pilot.press("f4")
        assert "plain completion" in painted(app)
        await pilot.press("f4")
        await ask(pilot, screen, "hi")
        body = stage.peer.asked[0][1]
        assert (body["top_p"], body["stop"], body["seed"]) == (0.9, ["END", "\n"], 7)
        assert body["json_schema"] == {"type": "object"}
        assert body["tools"][0]["function"]["name"] == "weather"
        assert body["images"] == ["data:image/png;base64,cG5n"]
        assert body["extra"] == {"min_p": 0.1}
        assert body["raw"] is False


async def test_a_chat_goes_on_where_it_is_told_to(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = sample_events(1)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "one")
        await pilot.press("f3")
        assert "continues the chat" in painted(app)
        await ask(pilot, screen, "two")
        await ask(pilot, screen, "three")
        said = [turn["content"] for turn in stage.peer.asked[2][1]["turns"]]
        assert said == ["one", "answer 0", "two", "answer 0"]
        assert "after 4 earlier messages" in painted(app)
        await pilot.press("f3")
        await ask(pilot, screen, "four")
        assert stage.peer.asked[3][1]["turns"] == []


async def test_reasoning_and_tool_calls_are_shown_as_such_and_fold(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = (
        AskEvent("reasoning", "a thought"),
        AskEvent("tool_call", tool="weather"),
        AskEvent("tool_call", '{"city": "Bonn"}'),
        AskEvent("done", finish_reason="tool_calls", finish_reasons=("tool_calls",)),
    )
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "hi")
        for words in ("reasoning", "a thought", "calls weather", '"city": "Bonn"', "calls tools"):
            assert words in painted(app)
        await pilot.press("escape", "e")
        assert "reasoning  1 line" in painted(app)
        assert "a thought" not in painted(app)
        assert "Bonn" not in painted(app)
        await pilot.press("e", "y")
        assert "a thought" in painted(app)
        assert app.clipboard == '{"city": "Bonn"}'


async def test_only_reasoning_is_named(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = (
        AskEvent("reasoning", "hm"),
        AskEvent("done", finish_reason="length", finish_reasons=("length",)),
    )
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, await open_request(pilot), "hi")
        assert "all tokens went into reasoning" in painted(app)


async def test_the_history_is_found_by_words_and_taken_with_its_parameters(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = sample_events(1)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await fill(pilot, screen, temperature="0.3", system="be kind")
        await ask(pilot, screen, "about birds")
        await fill(pilot, screen, temperature="0.9", system="")
        await ask(pilot, screen, "about the sea")
    again = stage.console()
    async with again.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Find what was asked" in painted(again), "the dialog came")
        assert "about the sea" in painted(again)
        await pilot.press(*typed("BIRDS about"))
        assert "about the sea" not in painted(again).split("Find what")[1]
        await pilot.press("enter")
        await until(pilot, lambda: screen.prompt.text == "about birds", "it was taken")
        assert "answer 0" in painted(again)
        await pilot.press("enter")
        await until(pilot, lambda: len(stage.peer.asked) == 3, "it was sent again")
        body = stage.peer.asked[2][1]
        assert (body["temperature"], body["system"]) == (0.3, "be kind")


async def test_forgetting_asks_first(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = sample_events(1)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "a secret")
        await pilot.press("escape", "F", "enter")
        assert screen.shown is not None
        await pilot.press("F", "y")
        await until(pilot, lambda: screen.shown is None, "it was forgotten")
        assert "secret" not in painted(app)
    assert not asked_path().exists()


@pytest.mark.parametrize(
    ("key", "words"),
    [("u", "curl -sS"), ("d", "from openai import OpenAI"), ("b", '{"custom_id"')],
)
async def test_a_request_is_copied_as_something_to_run(stage: Stage, key: str, words: str) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await pilot.press("escape", key)
        assert "no request to copy" in " ".join(toasts(app))
        await pilot.press("i")
        await ask(pilot, screen, "hi there")
        await pilot.press("escape", key)
        assert words in app.clipboard
        assert "hi there" in app.clipboard
        await pilot.press("i", *typed("being written"), "escape", key)
        assert "being written" in app.clipboard


async def test_several_may_answer_at_once_and_esc_stops_the_one_on_show(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.hold_answer.clear()
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await pilot.press("a", "enter", "b", "enter")
        await until(pilot, lambda: len(stage.peer.asked) == 2, "both were sent")
        await pilot.press("escape")
        assert screen.shown is not None
        assert screen.shown.first.stopped
        stage.peer.hold_answer.set()
        await pilot.press("escape", "left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: "runs out of speed" in painted(app), "the other went on")


async def test_a_sequence_in_the_answer_does_not_act_on_the_terminal(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD)).answer = (
        AskEvent("text", "a\x1b[2Jb"),
        AskEvent("done", finish_reason="stop"),
    )
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, await open_request(pilot), "hi")
        assert "a·[2Jb" in painted(app)
