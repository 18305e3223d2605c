"""Whole runs against the stub in C: answers, failures, pauses, servers that come, go, misbehave."""

from __future__ import annotations

import asyncio
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import (
    answer_of,
    assert_all_answered,
    lines_of,
    run_batch,
    spec_of,
    until,
    write_requests,
)
from tests.faults.small_disk import as_root
from tests.support.home import free_port
from tests.support.standin import HANG, reply, standin
from tests.support.stub import stub
from vconsole.errors import VConsoleError
from vconsole.requests.batch import identity
from vconsole.requests.batch.model import Directive, Phase, Progress
from vconsole.requests.batch.runner import Run

MODELS = reply({"data": [{"id": "stub"}]})
CHAT = "/v1/chat/completions"
ANSWER = {
    "id": "x",
    "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


async def test_every_request_is_answered_once_and_bad_lines_are_named(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 500), tmp_path / "out.jsonl"
    with source.open("a") as file:
        file.write("nonsense\n" + source.read_text().splitlines()[3] + "\n")
    with stub() as url:
        done = await run_batch(spec_of(source, output), url)
    assert_all_answered(output, 500)
    assert (done.completed, done.failed, done.total) == (500, 2, 502)
    errors = lines_of(tmp_path / "out.errors.jsonl")
    assert [(e["error"]["code"], e["error"]["line"]) for e in errors] == [
        ("bad_line", 501),
        ("duplicate_id", 502),
    ]


async def test_a_second_run_sends_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 50), tmp_path / "out.jsonl"
    with source.open("a") as file:
        file.write("nonsense\n")
    with stub() as url:
        await run_batch(spec_of(source, output), url)
        before = output.read_bytes(), (tmp_path / "out.errors.jsonl").read_bytes()
        again = await run_batch(spec_of(source, output), url)
    assert (output.read_bytes(), (tmp_path / "out.errors.jsonl").read_bytes()) == before
    assert (again.reused, again.first_request_s) == (51, None)


@pytest.mark.parametrize("cut", [1, 17, 300, 5000])
async def test_a_torn_end_is_cut_off_and_run_again(tmp_path: Path, cut: int) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 60), tmp_path / "out.jsonl"
    with stub() as url:
        await run_batch(spec_of(source, output), url)
        os.truncate(output, output.stat().st_size - cut)
        await run_batch(spec_of(source, output), url)
    assert_all_answered(output, 60)


async def test_damage_in_the_middle_is_kept_aside_and_run_again(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 60), tmp_path / "out.jsonl"
    with stub() as url:
        await run_batch(spec_of(source, output), url)
        content = bytearray(output.read_bytes())
        content[2000:2600] = bytes(600)
        output.write_bytes(content)
        await run_batch(spec_of(source, output), url)
    assert_all_answered(output, 60)
    assert bytes(600) in (tmp_path / "out.jsonl.damaged").read_bytes()


async def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 3), tmp_path / "out.jsonl"
    for content in ("my notes\n", "my notes"):
        output.write_text(content)
        with stub() as url:
            done = await run_batch(spec_of(source, output), url)
        assert done.phase is Phase.FAILED
        assert "not the output" in (done.note or "")
        assert output.read_text() == content


async def test_two_runs_cannot_write_one_output(tmp_path: Path) -> None:
    spec = spec_of(write_requests(tmp_path / "in.jsonl", 3), tmp_path / "out.jsonl")
    first = Run(spec, Directive, lambda _: None)
    with pytest.raises(VConsoleError, match="another job"):
        Run(spec, Directive, lambda _: None)
    first._journal.close()
    await first._peer.close()


async def test_a_server_that_is_full_is_asked_again_until_it_takes_all(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 600), tmp_path / "out.jsonl"
    with stub("--slots", "4", "--service-ms", "5", "--queue", "6") as url:
        done = await run_batch(spec_of(source, output), url)
    assert_all_answered(output, 600)
    assert done.failed == 0
    assert done.retries > 0


async def test_it_waits_for_a_server_and_follows_it_elsewhere(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 400), tmp_path / "out.jsonl"
    where: dict[str, str | None] = {"url": f"http://127.0.0.1:{free_port()}"}
    seen: list[Progress] = []
    run = Run(spec_of(source, output), lambda: Directive(where["url"]), seen.append)
    running = asyncio.create_task(run.run())
    await asyncio.sleep(0.7)
    assert seen[-1].phase is Phase.WAITING
    with stub("--slots", "4", "--service-ms", "20") as first:
        where["url"] = first
        await until(lambda: run.progress().completed >= 20)
    await asyncio.sleep(0.5)
    assert run.progress().phase is Phase.WAITING
    with stub() as second:
        where["url"] = second
        done = await asyncio.wait_for(running, 30)
    assert_all_answered(output, 400)
    assert done.failed == 0


async def test_a_pause_lets_nothing_out_and_a_resume_goes_on(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 300), tmp_path / "out.jsonl"
    paused = False
    with stub("--slots", "8", "--service-ms", "20") as url:
        run = Run(spec_of(source, output), lambda: Directive(url, paused=paused), lambda _: None)
        running = asyncio.create_task(run.run())
        await until(lambda: run.progress().completed >= 20)
        paused = True
        await until(lambda: run.progress().phase is Phase.PAUSED)
        held = run.progress().completed
        assert len(lines_of(output)) == held < 300
        await asyncio.sleep(0.5)
        assert run.progress().completed == held
        paused = False
        await asyncio.wait_for(running, 30)
    assert_all_answered(output, 300)


async def test_a_cancelled_run_keeps_what_it_has_and_goes_on_later(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 300), tmp_path / "out.jsonl"
    cancelled = False
    with stub("--slots", "8", "--service-ms", "20") as url:
        run = Run(
            spec_of(source, output), lambda: Directive(url, cancelled=cancelled), lambda _: None
        )
        running = asyncio.create_task(run.run())
        await until(lambda: run.progress().completed >= 20)
        cancelled = True
        ended = await asyncio.wait_for(running, 30)
        assert ended.phase is Phase.CANCELLED
        assert len(lines_of(output)) == ended.completed < 300
        await run_batch(spec_of(source, output), url)
    assert_all_answered(output, 300)


async def test_failures_are_told_by_kind_and_run_again_alone(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 30), tmp_path / "out.jsonl"
    asked: list[str] = []
    healthy = False

    def answer(body: dict[str, Any]) -> Any:
        content = body["messages"][-1]["content"]
        asked.append(content)
        if content == "q3" and not healthy:
            long = {"error": {"message": "This model's maximum context length is 9 tokens"}}
            return reply(long, 400)
        if content == "q4":
            cut = {"message": {"content": "y"}, "finish_reason": "length"}
            return reply(ANSWER | {"choices": [cut]})
        return reply(
            ANSWER | {"choices": [{"message": {"content": "" if content == "q5" else "y"}}]}
        )

    async with standin({CHAT: answer, "/v1/models": MODELS}) as peer:
        first = await run_batch(spec_of(source, output), peer.url)
        assert (first.completed, first.failed, first.truncated, first.empty) == (29, 1, 1, 1)
        assert dict(first.failures) == {"too_long": 1}
        healthy = True
        asked.clear()
        (tmp_path / "out.errors.jsonl").unlink()
        second = await run_batch(spec_of(source, output), peer.url)
    assert asked == ["q3"]
    assert (second.completed, second.failed) == (30, 0)


async def test_a_lying_a_hanging_and_a_broken_answer_fail_alone(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 12), tmp_path / "out.jsonl"

    def answer(body: dict[str, Any]) -> Any:
        match body["messages"][-1]["content"]:
            case "q1":
                return [b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{"]
            case "q2":
                return [HANG]
            case "q3":
                return reply(b"<html>it works</html>")
            case "q4":
                return reply({"error": {"message": "boom"}}, 500)
            case "q5":
                return reply({"choices": []})
        return reply(ANSWER)

    async with standin({CHAT: answer, "/v1/models": MODELS}) as peer:
        done = await run_batch(spec_of(source, output, timeout_s=0.5), peer.url)
    assert (done.completed, done.failed) == (7, 5)
    assert dict(done.failures) == {"broken": 1, "timeout": 1, "nonsense": 2, "http_500": 1}
    for line in lines_of(tmp_path / "out.errors.jsonl"):
        assert line["error"]["attempts"] > 1
        assert line["error"]["message"]


@pytest.mark.parametrize(
    "ending",
    [
        reply(ANSWER | {"choices": [{"message": {"content": ""}, "finish_reason": "abort"}]}),
        reply({"error": {"message": "EngineCore encountered an issue. See stack trace"}}, 500),
        reply({"error": {"message": "cannot schedule new futures after shutdown"}}, 500),
    ],
)
async def test_what_a_server_says_while_it_ends_is_no_answer(tmp_path: Path, ending: Any) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 12), tmp_path / "out.jsonl"
    asked: list[str] = []

    def answer(body: dict[str, Any]) -> Any:
        asked.append(body["messages"][-1]["content"])
        return ending if asked.count(asked[-1]) <= 3 else reply(ANSWER)

    async with standin({CHAT: answer, "/v1/models": MODELS, "/health": reply({})}) as peer:
        done = await run_batch(spec_of(source, output), peer.url)
    assert (done.completed, done.failed) == (12, 0)
    assert len(asked) == 48
    assert all(answer_of(line) == "yes" for line in lines_of(output))


async def test_a_refused_key_ends_the_run_and_costs_no_line(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 12), tmp_path / "out.jsonl"
    refusal = reply({"error": "Unauthorized"}, 401)
    async with standin({CHAT: refusal, "/v1/models": refusal}) as peer:
        done = await run_batch(spec_of(source, output), peer.url)
    assert done.phase is Phase.FAILED
    assert "API key" in (done.note or "")
    assert lines_of(output) == lines_of(tmp_path / "out.errors.jsonl") == []


async def test_a_full_disk_is_waited_for_and_no_line_torn(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    as_root(
        "mount", "-t", "tmpfs", "-o", f"size=128k,mode=700,uid={os.geteuid()}", "tmpfs", str(disk)
    )
    try:
        source, output = write_requests(tmp_path / "in.jsonl", 400), disk / "out.jsonl"
        filler = disk / "filler"
        filler.write_bytes(bytes(64 << 10))
        with stub() as url:
            run = Run(spec_of(source, output), lambda: Directive(url), lambda _: None)
            running = asyncio.create_task(run.run())
            await until(lambda: "takes no more" in (run.progress().note or ""))
            assert run.progress().phase is Phase.WAITING
            assert len(lines_of(output)) == run.progress().completed > 20
            as_root("mount", "-o", "remount,size=4m", str(disk))
            done = await asyncio.wait_for(running, 30)
        assert done.failed == 0
        assert_all_answered(output, 400)
    finally:
        as_root("umount", "--lazy", str(disk))


async def test_ten_thousand_ruined_lines_end_as_an_answer_or_a_named_failure(
    tmp_path: Path,
) -> None:
    """Whatever a line is, the others run; each is in one of the files, once, by its number."""
    chance, lines = random.Random(17), list[bytes]()
    for number in range(10_000):
        request = {"custom_id": f"r{number}", "url": CHAT, "body": {"messages": [{"content": "é"}]}}
        line = bytearray(json.dumps(request).encode())
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(line))
            line[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(6))
        lines.append(bytes(line).replace(b"\n", b"?"))
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with stub() as url:
        spec = spec_of(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
        done = await run_batch(spec, url, 120)
        again = await run_batch(spec, url, 120)
    answered = lines_of(tmp_path / "out.jsonl")
    failed = lines_of(tmp_path / "out.errors.jsonl")
    numbers = [int(line["id"].removeprefix("batch_req_"), 16) for line in (*answered, *failed)]
    assert sorted(numbers) == list(range(1, 10_001))
    assert len(answered) > 2_000
    assert len(failed) > 2_000
    assert (done.completed, done.failed) == (len(answered), len(failed))
    assert (again.reused, again.first_request_s) == (10_000, None)


async def test_the_cache_answers_deterministic_requests_of_another_batch(tmp_path: Path) -> None:
    asked: list[Any] = []

    def answer(body: dict[str, Any]) -> Any:
        asked.append(body)
        return reply(ANSWER)

    model = tmp_path / "model"
    model.mkdir()
    models = reply({"data": [{"id": "stub", "root": str(model)}]})
    fixed = write_requests(tmp_path / "fixed.jsonl", 10, temperature=0)
    loose = write_requests(tmp_path / "loose.jsonl", 10, temperature=1)
    async with standin({CHAT: answer, "/v1/models": models}) as peer:
        for round, (source, sent) in enumerate(
            [(fixed, 10), (fixed, 10), (loose, 20), (loose, 30)]
        ):
            spec = spec_of(source, tmp_path / f"out{round}.jsonl", cache=True)
            done = await run_batch(spec, peer.url)
            assert (done.completed, len(asked)) == (10, sent)
            assert done.from_cache == (10 if round == 1 else 0)
        (model / "config.json").write_text("{}")
        await run_batch(spec_of(fixed, tmp_path / "new.jsonl", cache=True), peer.url)
    assert len(asked) == 40


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
async def test_a_join_has_the_rows_in_order_with_their_answers(tmp_path: Path, ending: str) -> None:
    import pyarrow.parquet

    source, join = tmp_path / "in.csv", tmp_path / f"joined.{ending}"
    source.write_text("n,text\n" + "".join(f"{n},q{n}\n" for n in range(200)))
    spec = spec_of(source, tmp_path / "o.jsonl", template="{text}", join=str(join))
    with stub() as url:
        await run_batch(spec, url)
    if ending == "csv":
        import csv

        with join.open(newline="") as file:
            rows: list[Any] = list(csv.DictReader(file))
    elif ending == "jsonl":
        rows = lines_of(join)
    else:
        rows = pyarrow.parquet.read_table(join).to_pylist()
    assert [(row["n"], row["answer"]) for row in rows] == [(str(n), f"q{n}") for n in range(200)]


async def test_a_changed_input_and_other_parameters_are_noticed(tmp_path: Path) -> None:
    source, output = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("one\ntwo\n")
    spec = spec_of(source, output, max_tokens=5)
    with stub() as url:
        await run_batch(spec, url)
    assert identity.changes(spec) == ()
    os.utime(source)
    assert identity.changes(spec) == ()
    assert identity.changes(spec_of(source, output, max_tokens=6)) == ("max_tokens was 5 and is 6",)
    source.write_text("one\ntwo!\n")
    assert identity.changes(spec) == ("the input is another",)


def test_the_errors_file_is_of_the_format_that_openai_documents(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 2), tmp_path / "out.jsonl"
    with stub() as url:
        asyncio.run(run_batch(spec_of(source, output), url))
    (first, _) = lines_of(output)
    assert set(first) == {"id", "custom_id", "response", "error"}
    assert set(first["response"]) == {"status_code", "request_id", "body"}
    assert json.dumps(first["error"]) == "null"
