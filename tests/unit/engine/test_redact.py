"""Redaction: what is a secret, what is not, and that lines stay lines at any size of a log."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.engine.log.redact import MASK, Redactor, secret_values

redact = Redactor()
SECRET = "Qz7-nobody-may-see-this-0"


@pytest.mark.parametrize(
    "text",
    [
        "token hf_AbCdEfGhIjKlMnOpQrStUvWx of the Hub",
        "key sk-proj-AbCd1234EfGh5678 given",
        "Authorization: Bearer abc.def",
        '{\\"authorization\\": \\"Bearer abcdef12\\"}',
        "(b'authorization', b'Basic dXNlcg')",
        "sent with Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
        "api_key='a b c', port=8000",
        "args: {'api_key': ['first', 'two'], 'port': 8000}",
        '{\\"api_key\\": \\"abc\\", \\"port\\": 8000}',
        "HF_TOKEN=abcdef",
        "AWS_SECRET_ACCESS_KEY=abc/def+1",
        "vllm serve m --api-key abc --port 1",
        "['serve', 'm', '--api-key', 'abc', '--port', '1']",
        "from https://user:pa;ss,w)d@mirror.invalid/simple",
        "password: xyz",
    ],
)
def test_what_looks_like_a_secret_goes(text: str) -> None:
    cleaned = redact(text)
    assert MASK in cleaned
    gone = ("AbCdEf", "abc", "def", "eyJ", "dXN", "'a b c'", "first", "pa;ss", "w)d", "xyz")
    assert not any(part in cleaned for part in gone), cleaned
    assert redact(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "non-default args: {'api_key': None, 'hf_token': None, 'max_tokens': 16}",
        "SamplingParams(max_tokens=100, stop_token_ids=[], eos_token='</s>')",
        "Bearer authentication failed",
        "GET http://127.0.0.1:8000/v1/models from a@b",
        "Avg generation throughput: 12.3 tokens/s",
        "disk-usage task-force-12 risk-sk-12",
        "KV cache key: value",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_values_of_the_environment_go_wherever_they_stand() -> None:
    environment = {
        "VLLM_API_KEY": SECRET,
        "HF_TOKEN": "tiny",
        "TOKENIZERS_PARALLELISM": "true",
        "MY_PASSWORD": "",
        "PATH": "/usr/bin",
    }
    values = secret_values(environment)
    assert values == {SECRET, "tiny", ""}
    cleaned = Redactor(values)(f"x{SECRET}y tiny destiny /usr/bin true")
    assert cleaned == f"x{MASK}y {MASK} destiny /usr/bin true"


def test_a_value_of_several_lines_goes_line_by_line() -> None:
    assert Redactor(["first-half\nother-half"])("a first-half\nb other-half") == (
        f"a {MASK}\nb {MASK}"
    )


TRICKY = st.sampled_from(
    [
        *("api_key=", "'", '"', "\\", "[", "]", "(", "://", ":", "@", "Bearer ", "Authorization: "),
        *(
            "hf_",
            "sk-",
            "--api-key ",
            "\n",
            "\r",
            "\u2028",
            "\x1c",
            "\x85",
            " ",
            SECRET,
            MASK,
            "None",
        ),
    ]
)
TEXTS = st.lists(TRICKY | st.text(max_size=12), max_size=30).map("".join)


@given(TEXTS)
def test_no_text_changes_its_number_of_lines_or_keeps_a_known_value(text: str) -> None:
    cleaned = Redactor([SECRET])(text)
    assert cleaned.count("\n") == text.count("\n")
    assert len(cleaned.splitlines()) == len(text.splitlines())
    assert SECRET not in cleaned


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_bytes_that_are_no_text_stay_as_they_are(before: bytes, after: bytes) -> None:
    content = before + b"\n" + SECRET.encode() + b"\n" + after
    cleaned = Redactor([SECRET]).of_bytes(content)
    assert cleaned.count(b"\n") == content.count(b"\n")
    assert SECRET.encode() not in cleaned
    if redact.of_bytes(before) == before and redact.of_bytes(after) == after:
        assert cleaned == before + b"\n" + MASK.encode() + b"\n" + after


@pytest.mark.parametrize(
    "part",
    ["://", "://a", "api_key=", "authorization: ", "bearer ", "api_key='", "api_key=[", "sk-"],
)
def test_no_text_takes_more_than_linear_time(part: str) -> None:
    begun_s = time.process_time()
    redact(part * 40_000)
    assert time.process_time() - begun_s < 2.0


def test_a_large_log_stays_fast() -> None:
    line = "(EngineCore pid=7) INFO 07-10 12:00:01 [loggers.py:127] Engine 000: 0.0 tokens/s\n"
    piece = (line * 3000).encode()
    begun_s = time.process_time()
    for _ in range(100):
        assert Redactor([SECRET]).of_bytes(piece) == piece
    assert time.process_time() - begun_s < 3.0
