"""What makes a request and what does not: every line ends as one or the other, by its number."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.batch.conftest import spec_of
from vconsole.errors import VConsoleError
from vconsole.requests.batch.model import BadLine, Endpoint, Item
from vconsole.requests.batch.source import Shape, open_source
from vconsole.requests.batch.source.opening import count_lines
from vconsole.requests.batch.template import checked, fill

SHAPE = Shape("lark", frozenset({"lark"}), Endpoint.CHAT, max_tokens=8)
GOOD = {"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": []}}


def entries(path: Path, **more: object) -> list[Item | BadLine]:
    return list(open_source(spec_of(path, path.with_name("out.jsonl"), **more)).read(SHAPE))


def of_lines(tmp_path: Path, *lines: bytes) -> list[Item | BadLine]:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(lines))
    return entries(path)


def test_a_missing_model_is_filled_in_and_nothing_else_touched(tmp_path: Path) -> None:
    (item,) = of_lines(tmp_path, json.dumps(GOOD).encode())
    assert isinstance(item, Item)
    assert json.loads(item.body) == {"model": "lark", "messages": []}
    named = GOOD | {"body": {"model": "lark", "messages": [], "seed": 3, "odd": [1, {"x": "é"}]}}
    (item,) = of_lines(tmp_path, json.dumps(named).encode())
    assert isinstance(item, Item)
    assert json.loads(item.body) == named["body"]
    assert item.deterministic


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"custom_id": ""}, "bad_line", "custom_id"),
        ({"custom_id": 5}, "bad_line", "custom_id"),
        ({"url": "/v1/files"}, "bad_line", "url"),
        ({"method": "GET"}, "bad_line", "GET"),
        ({"body": {}}, "bad_line", "messages"),
        ({"body": {"messages": [], "stream": True}}, "bad_line", "stream"),
        ({"body": {"messages": [], "model": "owl"}}, "wrong_model", "owl"),
        ({"body": 3}, "bad_line", "no request"),
    ],
)
def test_a_line_that_makes_no_request_says_why(
    tmp_path: Path, change: dict[str, object], code: str, words: str
) -> None:
    good = json.dumps(GOOD | {"custom_id": "b"}).encode()
    bad, after = of_lines(tmp_path, json.dumps(GOOD | change).encode(), good)
    assert isinstance(bad, BadLine)
    assert (bad.number, bad.code) == (1, code)
    assert words in bad.message
    assert isinstance(after, Item)


def test_prompts_csv_json_rows_and_parquet_make_the_same_requests(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    texts = ['one, "two"', "zwölf\tBoxkämpfer", "{braces}"]
    (tmp_path / "a.txt").write_text("\n".join(f"Say {text}" for text in texts) + "\n\n")
    csv = "text\n" + "".join(f'"{text.replace(chr(34), chr(34) * 2)}"\n' for text in texts)
    (tmp_path / "b.csv").write_text("\ufeff" + csv)
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    table = pyarrow.table({"text": texts})
    pyarrow.parquet.write_table(table, tmp_path / "d.parquet")
    made = [entries(tmp_path / "a.txt")]
    made += [
        entries(tmp_path / n, template="Say {text}") for n in ("b.csv", "c.jsonl", "d.parquet")
    ]
    for found in made:
        assert all(isinstance(item, Item) for item in found)
        bodies = [json.loads(item.body) for item in found if isinstance(item, Item)]
        assert [b["messages"][0]["content"] for b in bodies] == [f"Say {t}" for t in texts]
        assert {b["max_tokens"] for b in bodies} == {8}


def test_rows_without_the_column_or_of_another_length_are_bad_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,text\nx,hello\ny\nz,\xff\n")
    good, short, no_text = entries(path, template="{text}")
    assert isinstance(good, Item)
    assert good.key == "x"
    assert isinstance(short, BadLine)
    assert isinstance(no_text, BadLine)
    (missing, *_) = entries(path, template="{other}")
    assert isinstance(missing, BadLine)
    assert "no column other" in missing.message


def test_templates() -> None:
    assert fill("{{{a}}} {b}", {"a": 1, "b": None}) == "{1} "
    for wrong in ("no column", "{a} }", "{", "{}"):
        with pytest.raises(VConsoleError):
            checked(wrong)


def test_rows_need_a_template_and_prompts_take_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nx\n")
    (tmp_path / "a.txt").write_text("x\n")
    for name, template in (("a.csv", None), ("a.txt", "{x}"), ("missing.jsonl", None)):
        with pytest.raises(VConsoleError) as caught:
            entries(tmp_path / name, template=template)
        assert caught.value.exit_code == 2
        assert caught.value.remedy


def test_lines_are_counted_without_single_empty_ones(tmp_path: Path) -> None:
    for content, count in ((b"", 0), (b"a", 1), (b"a\n", 1), (b"\na\n\nb", 2)):
        (tmp_path / "f").write_bytes(content)
        assert count_lines(tmp_path / "f") == count


def test_ten_thousand_ruined_lines_never_stop_the_reading(tmp_path: Path) -> None:
    chance = random.Random(3)
    good = json.dumps(GOOD | {"body": {"messages": [{"role": "user", "content": "hé 🐦"}]}})
    lines = []
    for _ in range(10_000):
        line = bytearray(good.encode())
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(line) + 1)
            line[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(6))
        kept = bytes(line).replace(b"\n", b" ")
        lines.append(kept if kept.strip() else b"x")
    lines[5] = b"[" * 100_000
    lines[6] = b'{"custom_id":"x","body":' + b'{"a":' * 50_000
    for name in ("in.jsonl", "in.txt"):
        path = tmp_path / name
        path.write_bytes(b"\n".join(lines))
        numbers = [entry.number for entry in entries(path)]
        assert numbers == list(range(1, 10_001))
    (tmp_path / "in.csv").write_bytes(b"text\n" + b"\n".join(lines))
    assert len(entries(tmp_path / "in.csv", template="{text}")) > 1000
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(lines))
    rows = entries(tmp_path / "rows.jsonl", template="{custom_id}")
    assert len(rows) == 10_000
