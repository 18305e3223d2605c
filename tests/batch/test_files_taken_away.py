"""Files of a batch that other hands remove, replace or cut while it runs: noticed, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.conftest import (
    assert_all_answered,
    lines_of,
    run_batch,
    spec_of,
    until,
    write_requests,
)
from tests.support.stub import stub
from vconsole.requests.batch.model import Directive, Phase, Progress
from vconsole.requests.batch.runner import Run

REQUESTS = 400


async def disturbed(source: Path, output: Path, act: Callable[[], object]) -> tuple[Progress, int]:
    """How a run ends whose files are changed in its middle, and how many requests it answered."""
    with stub("--slots", "4", "--service-ms", "20") as url:
        run = Run(spec_of(source, output), lambda: Directive(url), lambda _: None)
        running = asyncio.create_task(run.run())
        await until(lambda: run.progress().completed >= 20)
        act()
        done = await asyncio.wait_for(running, 30)
    return done, done.completed


async def finished(source: Path, output: Path) -> Progress:
    with stub() as url:
        return await run_batch(spec_of(source, output), url)


async def test_a_removed_output_is_put_back_and_gone_on_with(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), tmp_path / "out.jsonl"
    done, answered = await disturbed(source, output, output.unlink)
    assert done.phase is Phase.FAILED
    assert "was removed while the batch wrote to it; its answers were put back" in (done.note or "")
    assert "resume" in (done.remedy or "")
    assert 20 <= len(lines_of(output)) == answered < REQUESTS
    again = await finished(source, output)
    assert (again.phase, again.reused) == (Phase.DONE, answered)
    assert_all_answered(output, REQUESTS)


async def test_an_output_whose_folder_is_removed_is_put_back_too(tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    folder.mkdir()
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), folder / "out.jsonl"

    def remove() -> None:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    _, answered = await disturbed(source, output, remove)
    assert len(lines_of(output)) == answered
    assert (await finished(source, output)).reused == answered
    assert_all_answered(output, REQUESTS)


async def test_the_answers_of_a_replaced_output_are_kept_beside_it(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), tmp_path / "out.jsonl"

    def replace() -> None:
        (tmp_path / "notes").write_text("my notes\n")
        (tmp_path / "notes").replace(output)

    done, answered = await disturbed(source, output, replace)
    kept = tmp_path / "out.jsonl.rescued"
    assert done.phase is Phase.FAILED
    assert "replaced by another file" in (done.note or "")
    assert str(kept) in (done.note or "")
    assert output.read_text() == "my notes\n"
    assert len(lines_of(kept)) == answered
    refused = await finished(source, output)
    assert "not the output of a batch" in (refused.note or "")
    kept.replace(output)
    assert (await finished(source, output)).reused == answered
    assert_all_answered(output, REQUESTS)


async def test_what_is_cut_from_an_output_is_asked_again(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), tmp_path / "out.jsonl"
    done, _ = await disturbed(source, output, lambda: output.write_bytes(b""))
    assert done.phase is Phase.FAILED
    assert "was cut short" in (done.note or "")
    assert (await finished(source, output)).phase is Phase.DONE
    assert_all_answered(output, REQUESTS)


async def test_a_removed_errors_file_is_put_back(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("nonsense\n")
    with source.open("a") as file:
        file.write(write_requests(tmp_path / "good.jsonl", REQUESTS).read_text())
    errors = tmp_path / "out.errors.jsonl"
    done, _ = await disturbed(source, output, errors.unlink)
    assert "out.errors.jsonl was removed" in (done.note or "")
    assert len(lines_of(errors)) == 1
    assert (await finished(source, output)).failed == 1
    assert_all_answered(output, REQUESTS)


async def test_an_input_removed_on_the_way_is_read_to_its_end(tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), tmp_path / "out.jsonl"
    done, _ = await disturbed(source, output, source.unlink)
    assert done.phase is Phase.DONE
    assert_all_answered(output, REQUESTS)


async def test_a_join_without_its_input_says_what_to_do(tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text("word\n" + "".join(f"w{number}\n" for number in range(REQUESTS)))
    spec = spec_of(source, output, template="{word}", join=str(tmp_path / "joined.csv"))
    with stub("--slots", "4", "--service-ms", "10") as url:
        run = Run(spec, lambda: Directive(url), lambda _: None)
        running = asyncio.create_task(run.run())
        await until(lambda: run.progress().completed >= 20)
        content = source.read_bytes()
        source.unlink()
        done = await asyncio.wait_for(running, 30)
        assert done.phase is Phase.FAILED
        assert f"the input {source} is gone" in (done.note or "")
        source.write_bytes(content)
        again = await run_batch(spec, url)
    assert (again.phase, again.reused) == (Phase.DONE, REQUESTS)
    assert len((tmp_path / "joined.csv").read_text().splitlines()) == REQUESTS + 1


@pytest.mark.parametrize("size", [100, 20])
async def test_fixed_concurrency_can_change_on_the_way(tmp_path: Path, size: int) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 10 * size), tmp_path / "out.jsonl"
    at_once: list[int | None] = [2]
    with stub("--slots", "64", "--service-ms", "20") as url:

        def look() -> Directive:
            return Directive(url, concurrency=at_once[0])

        run = Run(spec_of(source, output, concurrency=4), look, lambda _: None)
        running = asyncio.create_task(run.run())
        await until(lambda: run.progress().concurrency == 2)
        at_once[0] = 50
        await until(lambda: run.progress().concurrency == 50)
        await asyncio.wait_for(running, 30)
    assert_all_answered(output, 10 * size)
