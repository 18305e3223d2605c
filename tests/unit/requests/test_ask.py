"""One request against a stand-in that answers, refuses, hangs, breaks off and lies."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.standin import (
    DONE,
    HANG,
    Answer,
    Standin,
    chunk,
    delta,
    event,
    reply,
    standin,
    stream,
    usage,
)
from vconsole.errors import ErrorBody, ExitCode
from vconsole.requests.ask import NO_TEMPLATE_NOTE, ask
from vconsole.requests.messages import AskEvent, AskRequest, Turn

CHAT = "/v1/chat/completions"
# Recorded from vLLM 0.32.0 over a model without a chat template.
NO_TEMPLATE = {
    "error": {
        "message": "As of transformers v4.44, default chat template is no longer allowed, so you"
        " must provide a chat template if the tokenizer does not define one.",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }
}


async def answered(
    script: dict[str, Answer], request: AskRequest | None = None, silence_s: float = 5.0
) -> tuple[list[AskEvent], Standin]:
    async with standin(script) as peer:
        request = request or AskRequest("hello")
        events = [item async for item in ask(peer.url, request, silence_s=silence_s)]
        return events, peer


def error_of(events: list[AskEvent]) -> ErrorBody:
    assert [item.kind for item in events].count("error") == 1
    assert events[-1].error is not None
    return events[-1].error


async def test_reasoning_and_text_come_as_deltas_and_the_figures_last() -> None:
    steps = stream(
        delta(role="assistant", content=""),
        delta(reasoning="hm"),
        delta(reasoning_content="m"),
        delta(content="Good "),
        delta("stop", content="day"),
        usage(7, 5),
        DONE,
    )
    events, _ = await answered({CHAT: steps})
    pieces = [(item.kind, item.text) for item in events]
    assert pieces == [
        ("reasoning", "hm"),
        ("reasoning", "m"),
        ("text", "Good "),
        ("text", "day"),
        ("done", ""),
    ]
    done = events[-1]
    assert done.finish_reason == "stop"
    assert (done.prompt_tokens, done.completion_tokens) == (7, 5)


async def test_times_are_those_of_the_server() -> None:
    pieces: list[bytes | float | None] = [0.2]
    for _ in range(4):
        pieces += [delta(content="x"), 0.1]
    events, _ = await answered({CHAT: stream(*pieces, delta("stop"), usage(3, 5), DONE)})
    done = events[-1]
    assert done.ttft_ms == pytest.approx(200, abs=80)
    assert done.total_ms == pytest.approx(600, abs=150)
    assert done.tokens_per_s == pytest.approx(4 / 0.4, rel=0.25)  # the first token is prefill


async def test_parameters_are_sent_and_unset_ones_are_not() -> None:
    request = AskRequest("hi", system="be kind", max_tokens=5, temperature=0.0)
    _, peer = await answered({CHAT: stream(delta("stop", content="x"), DONE)}, request)
    body = peer.requests[0][2]
    assert body["messages"] == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
    ]
    assert (body["max_tokens"], body["temperature"]) == (5, 0.0)
    assert body["stream_options"] == {"include_usage": True}
    assert "model" not in body


def piece(sample: int, finish_reason: str | None = None, **content: object) -> bytes:
    choice = {"index": sample, "delta": content, "finish_reason": finish_reason}
    return event({"choices": [choice]})


async def test_samples_come_apart_and_all_have_to_end() -> None:
    begun = (piece(0, content="a"), piece(1, content="b"), piece(0, "stop", content="c"))
    request = AskRequest("hi", samples=2)
    events, peer = await answered(
        {CHAT: stream(*begun, piece(1, "length"), usage(3, 9), DONE)}, request
    )
    assert [(item.sample, item.text) for item in events[:-1]] == [(0, "a"), (1, "b"), (0, "c")]
    assert events[-1].finish_reasons == ("stop", "length")
    assert peer.requests[0][2]["n"] == 2
    events, _ = await answered({CHAT: stream(*begun, usage(3, 9), DONE)}, request)
    assert error_of(events).kind == "gone"


@pytest.mark.parametrize("reason", ["abort", "error"])
async def test_what_the_server_cuts_off_is_no_answer(reason: str) -> None:
    steps = stream(delta(content="Good "), delta(reason), usage(7, 2), DONE)
    events, _ = await answered({CHAT: steps})
    assert [item.kind for item in events] == ["text", "error"]
    assert f"cut the answer off (finish reason {reason})" in error_of(events).message
    both = AskRequest("hi", samples=2)
    sent = stream(piece(0, "stop", content="a"), piece(1, reason), usage(3, 2), DONE)
    events, _ = await answered({CHAT: sent}, both)
    assert "cut the answer off" in error_of(events).message


async def test_tool_calls_are_pieces_of_their_own() -> None:
    def call(place: int, arguments: str, name: str | None = None) -> bytes:
        function = {"arguments": arguments} | ({"name": name} if name else {})
        return piece(0, tool_calls=[{"index": place, "function": function}])

    steps = stream(
        call(0, "", "weather"),
        call(0, '{"city":'),
        call(1, "{}", "clock"),
        call(0, '"Bonn"}'),
        piece(0, "tool_calls"),
        usage(3, 9),
        DONE,
    )
    events, peer = await answered({CHAT: steps}, AskRequest("hi", tools=({"type": "function"},)))
    assert [(item.call, item.tool, item.text) for item in events[:-1]] == [
        (0, "weather", ""),
        (0, None, '{"city":'),
        (1, "clock", "{}"),
        (0, None, '"Bonn"}'),
    ]
    assert events[-1].finish_reason == "tool_calls"
    assert peer.requests[0][2]["tools"] == [{"type": "function"}]


async def test_whole_tool_calls_have_their_places() -> None:
    calls = [{"function": {"name": name, "arguments": "{}"}} for name in ("weather", "clock")]
    message = {"content": None, "tool_calls": calls}
    whole = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    events, _ = await answered({CHAT: reply(whole)}, AskRequest("hi", stream=False))
    assert [(item.call, item.tool) for item in events[:-1]] == [(0, "weather"), (1, "clock")]


async def test_images_turns_and_schema_go_into_the_body() -> None:
    request = AskRequest(
        "what is it?",
        turns=(Turn("user", "hi"), Turn("assistant", "hello")),
        images=("data:image/png;base64,AA==",),
        json_schema={"type": "object"},
        stop=("END",),
        extra={"min_p": 0.1},
    )
    _, peer = await answered({CHAT: stream(delta("stop", content="x"), DONE)}, request)
    body = peer.requests[0][2]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    image, text = body["messages"][-1]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,AA=="
    assert text["text"] == "what is it?"
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (body["stop"], body["min_p"]) == (["END"], 0.1)


async def test_a_raw_request_never_tries_a_chat() -> None:
    text = event({"choices": [{"text": "Good day", "finish_reason": "stop"}]})
    request = AskRequest("hi", raw=True, max_tokens=3)
    events, peer = await answered({"/v1/completions": stream(text, usage(1, 2), DONE)}, request)
    assert [path for path, *_ in peer.requests] == ["/v1/completions"]
    assert events[0].text == "Good day"


@pytest.mark.parametrize(
    "request_",
    [
        AskRequest("hi", samples=0),
        AskRequest("hi", samples=10**9),
        AskRequest("hi", extra={"stream": False}),
        AskRequest("hi", raw=True, images=("https://host/x.png",)),
    ],
)
async def test_what_makes_no_sense_is_refused_before_it_is_sent(request_: AskRequest) -> None:
    events, peer = await answered({}, request_)
    assert error_of(events).exit_code == ExitCode.USAGE
    assert peer.requests == []


async def test_cached_tokens_and_pauses_are_told() -> None:
    counts = {
        "prompt_tokens": 40,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 32},
    }
    pieces: list[bytes | float | None] = [delta(content="a")]
    for wait_s in (0.05, 0.05, 0.2):
        pieces += [wait_s, delta(content="a")]
    events, _ = await answered(
        {CHAT: stream(*pieces, delta("stop"), event({"choices": [], "usage": counts}), DONE)}
    )
    assert events[-1].cached_tokens == 32
    assert events[-1].itl_ms == pytest.approx(100, rel=0.35)
    assert events[-1].itl_p95_ms == pytest.approx(200, rel=0.3)


async def test_without_streaming_one_answer_has_text_and_usage() -> None:
    message = {"role": "assistant", "content": "Good day", "reasoning": "hm"}
    whole = {
        "choices": [{"message": message, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 8, "total_tokens": 10},
    }
    events, peer = await answered({CHAT: reply(whole)}, AskRequest("hi", stream=False))
    assert [(item.kind, item.text) for item in events[:-1]] == [
        ("reasoning", "hm"),
        ("text", "Good day"),
    ]
    assert events[-1].completion_tokens == 8
    assert events[-1].ttft_ms is None
    assert "stream_options" not in peer.requests[0][2]


async def test_a_model_without_template_gets_a_completion_and_a_note() -> None:
    text = event({"choices": [{"text": "Good day", "finish_reason": "stop"}]})
    script: dict[str, Answer] = {
        CHAT: reply(NO_TEMPLATE, 400),
        "/tokenize": reply({"count": 4, "max_model_len": 100, "tokens": [1, 2, 3, 4]}),
        "/v1/completions": stream(text, usage(4, 2), DONE),
    }
    events, peer = await answered(script, AskRequest("hi", system="be kind"))
    assert [item.kind for item in events] == ["note", "text", "done"]
    assert events[0].text == NO_TEMPLATE_NOTE
    body = peer.requests[-1][2]
    assert body["prompt"] == "be kind\n\nhi"
    assert body["max_tokens"] == 96


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"error": {"message": "too long", "code": 400}}, "bad_request", "too long"),
        (400, {"object": "error", "message": "too long"}, "bad_request", "too long"),
        (401, {"error": "Unauthorized"}, "unauthorized", "Unauthorized"),
        (404, {"detail": "Not Found"}, "not_found", "Not Found"),
        (429, b"", "overloaded", "Too Many Requests"),
        (500, b"<h1>broken</h1>", "server_error", "<h1>broken</h1>"),
        (503, b"\xff\xfe", "overloaded", "\ufffd"),
        (599, b"[1]", "server_error", "[1]"),
    ],
)
async def test_a_refusal_shows_the_server_s_own_reason(
    status: int, body: object, kind: str, words: str
) -> None:
    events, _ = await answered({CHAT: reply(body, status)})
    error = error_of(events)
    assert error.kind == kind
    assert words in error.message
    assert error.exit_code == ExitCode.FAILED


async def test_nobody_listening_is_said() -> None:
    async with standin({}) as peer:
        pass
    events = [item async for item in ask(peer.url, AskRequest("hi"))]
    error = error_of(events)
    assert (error.kind, error.exit_code) == ("unreachable", ExitCode.NO_SERVER)
    assert error.remedy == "start one with: vconsole start"


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_silent_server_is_given_up(streamed: bool) -> None:
    request = AskRequest("hi", stream=streamed)
    events, peer = await answered({CHAT: [HANG]}, request, silence_s=0.2)
    error = error_of(events)
    assert (error.kind, error.exit_code) == ("timed_out", ExitCode.TIMED_OUT)
    await asyncio.wait_for(peer.client_left.wait(), 2)


async def test_silence_after_the_first_words_keeps_the_words() -> None:
    script: dict[str, Answer] = {CHAT: stream(delta(content="Good"), HANG)}
    events, _ = await answered(script, silence_s=0.2)
    assert events[0].text == "Good"
    assert error_of(events).kind == "timed_out"


@pytest.mark.parametrize(
    "tail",
    [
        [],  # the connection breaks
        [chunk(b""), b"0\r\n\r\n"],  # a proper end, but no [DONE]
        [DONE],  # [DONE], but no finish_reason
        [event({"error": {"message": "EngineCore died", "code": 500}}), DONE],
        [b"zz\r\n"],  # broken framing
    ],
)
async def test_an_answer_that_breaks_off_is_no_success(tail: list[bytes]) -> None:
    events, _ = await answered({CHAT: stream(delta(content="Good"), *tail)})
    assert [item.kind for item in events] == ["text", "error"]
    assert error_of(events).kind == "gone"


@pytest.mark.parametrize("payload", [b"<html>router</html>", b"[]", b'"text"', b"\xff"])
@pytest.mark.parametrize("streamed", [True, False])
async def test_another_program_at_the_address_is_named_as_such(
    payload: bytes, streamed: bool
) -> None:
    steps = stream(chunk(b"data: " + payload + b"\n\n"), DONE) if streamed else reply(payload)
    events, _ = await answered({CHAT: steps}, AskRequest("hi", stream=streamed))
    assert error_of(events).kind == "not_vllm"


async def test_closing_the_iterator_closes_the_connection() -> None:
    async with standin({CHAT: stream(delta(content="Good"), HANG)}) as peer:
        async with aclosing(ask(peer.url, AskRequest("hi"))) as events:
            assert (await anext(events)).text == "Good"
            assert not peer.client_left.is_set()
        await asyncio.wait_for(peer.client_left.wait(), 2)


@pytest.mark.parametrize(
    ("url", "key"), [("127.0.0.1:8000", None), ("http://h", "a\nb"), ("http://h:x", None)]
)
async def test_an_unusable_url_or_key_is_a_usage_error(url: str, key: str | None) -> None:
    events = [item async for item in ask(url, AskRequest("hi"), key)]
    assert error_of(events).exit_code == ExitCode.USAGE


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=60), st.just(b'data: {"choices":[{}]}\n')), max_size=5)
)
def test_no_answer_whatsoever_raises(pieces: list[bytes]) -> None:
    steps = stream(*(chunk(piece) for piece in pieces), b"0\r\n\r\n")
    events, _ = asyncio.run(answered({CHAT: steps}))
    assert events[-1].kind in {"done", "error"}
