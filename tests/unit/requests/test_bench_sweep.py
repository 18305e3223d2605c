"""A whole bench on stubs: who is asked what in which order, what is kept, and going on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.standin import DONE, Answer, Standin, Steps, event, reply, standin, stream, usage
from vconsole.errors import VConsoleError
from vconsole.requests.bench import kept
from vconsole.requests.bench.comparing import differences
from vconsole.requests.bench.data import as_data, csv_text
from vconsole.requests.bench.kept import Bench, BenchState
from vconsole.requests.bench.kept_comparing import compare_benches
from vconsole.requests.bench.model import COMPLETIONS, ServiceLevel, Target, Warmth
from vconsole.requests.bench.page import lines, markdown
from vconsole.requests.bench.plan import BenchSpec, Source, steps
from vconsole.requests.bench.plot import drawn, plot_of
from vconsole.requests.bench.points import points
from vconsole.requests.bench.svg import svg
from vconsole.requests.bench.sweep import BenchProgress, StandingStage, Sweep
from vconsole.requests.bench.tables import tables, text_table
from vconsole.settings import PriceSettings

KEY = "sk-secret-of-the-rival"
LINE = {"method": "POST", "url": "/v1/chat/completions"}


def answer(body: dict[str, Any]) -> Steps:
    if not body.get("stream"):
        return reply({"usage": {"prompt_tokens": len(str(body["prompt"]).split())}})
    piece = event({"choices": [{"index": 0, "text": "lark", "finish_reason": "length"}]})
    return stream(0.005, piece, 0.005, piece, usage(len(str(body["prompt"]).split()), 2), DONE)


def chat(body: dict[str, Any]) -> Steps:
    piece = event({"choices": [{"index": 0, "delta": {"content": '{"a": 1}'}}]})
    return stream(piece, usage(3, 1), DONE)


SCRIPT: dict[str, Answer] = {
    COMPLETIONS: answer,
    "/v1/chat/completions": chat,
    "/v1/models": reply({"data": [{"id": "m"}]}),
    "/version": reply({"version": "0.32.0"}),
}


@dataclass
class Pair:
    ours: Standin
    rival: Standin

    def spec(self, **more: Any) -> BenchSpec:
        targets = (Target("ours", self.ours.url), Target("rival", self.rival.url, "m", KEY))
        given: dict[str, Any] = {"concurrency": (1, 2), "requests": 4, "warm_up": 1, "repeats": 2}
        given |= more
        return BenchSpec(targets, None, source=Source(None, False, 6, 2), **given)


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    async with standin(SCRIPT) as ours, standin(SCRIPT) as rival:
        yield Pair(ours, rival)


def begun(spec: BenchSpec) -> Bench:
    return Bench(kept.new_id(), spec, datetime.now(UTC))


async def run(spec: BenchSpec) -> Bench:
    return await Sweep(begun(spec), StandingStage(spec)).run()


def sent(peer: Standin) -> list[str]:
    return [str(body["prompt"]) for path, _, body in peer.requests if body.get("stream")]


async def test_both_get_the_same_prompts_and_none_of_them_twice() -> None:
    async with pair() as two:
        bench = await run(two.spec())
        assert (bench.state, bench.note) == (BenchState.DONE, None)
        ours, rival = sent(two.ours), sent(two.rival)
    assert sorted(ours) == sorted(rival)
    # Two loads, twice, of four requests and one to warm up.
    assert len(ours) == len(set(ours)) == 2 * 2 * 5
    assert {len(each.split()) for each in ours} == {6}
    assert len(bench.measured) == 8
    assert bench.facts["ours"].version == "0.32.0"
    assert bench.host.cores


def test_who_is_first_takes_turns() -> None:
    spec = BenchSpec((Target("a", ""), Target("b", "")), concurrency=(1, 8), warm=True)
    order = [(step.repeat, step.load.concurrency, step.contender) for step in steps(spec)]
    cold = order[::2]
    assert cold[:4] == [(0, 1, "a"), (0, 1, "b"), (0, 8, "a"), (0, 8, "b")]
    assert cold[4:6] == [(1, 1, "b"), (1, 1, "a")]
    assert [step.warmth for step in steps(spec)][:2] == [Warmth.COLD, Warmth.WARM]
    profiles = replace(spec, targets=spec.targets[:1], profiles=("a", "b"), warm=False)
    names = [step.contender for step in steps(profiles)]
    assert names == [*"aabb", *"bbaa", *"aabb"]


async def test_warm_is_the_very_same_prompts_again() -> None:
    async with pair() as two:
        spec = two.spec(warm=True, repeats=1, concurrency=(1,), warm_up=0)
        await run(replace(spec, targets=spec.targets[:1]))
        asked = sent(two.ours)
    assert asked[:4] == asked[4:]


async def test_it_goes_on_where_it_was() -> None:
    async with pair() as two:
        bench = begun(two.spec())
        halted = asyncio.Event()

        def tell(progress: BenchProgress) -> None:
            if progress.steps_done >= 3:
                halted.set()

        stopped = await Sweep(bench, StandingStage(bench.spec), tell, halted.is_set).run()
        assert stopped.state is BenchState.CANCELLED
        done = len(stopped.measured)
        assert 3 <= done < 8
        before = kept.load(bench.id)
        assert before.measured == stopped.measured
        again = replace(stopped, state=BenchState.RUNNING)
        ended = await Sweep(again, StandingStage(bench.spec)).run()
    assert ended.state is BenchState.DONE
    assert ended.measured[:done] == stopped.measured
    assert len(ended.measured) == 8


async def test_what_is_kept_has_no_key_and_only_its_owner_may_read_it() -> None:
    async with pair() as two:
        bench = await run(two.spec(repeats=1))
        assert any(
            headers.get("authorization") == f"Bearer {KEY}" for _, headers, _ in two.rival.requests
        )
    path = kept.path_of(bench.id)
    assert KEY not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    found = kept.load(bench.id)
    assert found.measured == bench.measured
    assert [each.id for each in kept.kept()] == [bench.id]
    kept.forget(bench.id)
    with pytest.raises(VConsoleError):
        kept.load(bench.id)


def test_ids_are_new_and_nonsense_is_none(tmp_path: Path) -> None:
    assert (kept.new_id(), kept.new_id()) == ("m1", "m2")
    for wrong in ("m9", "../m1", "x", "m1"):
        with pytest.raises(VConsoleError, match="no bench"):
            kept.load(wrong)
    assert kept.kept() == ()


async def test_a_server_that_is_gone_ends_it_and_keeps_what_was_measured() -> None:
    async with pair() as two:
        spec = two.spec(repeats=1)
        gone = replace(spec.targets[1], url="http://127.0.0.1:9")
        bench = await run(replace(spec, targets=(spec.targets[0], gone)))
    assert bench.state is BenchState.FAILED
    assert bench.note is not None
    assert "rival" in bench.note
    assert len(bench.measured) == 1
    assert kept.load(bench.id).state is BenchState.FAILED


async def test_every_form_of_it_says_the_same() -> None:
    async with pair() as two:
        bench = await run(two.spec(repeats=3, level=ServiceLevel(60_000, 60_000)))
    data = as_data(bench, PriceSettings(hardware_per_hour=2.0, currency="EUR"))
    assert len(data["runs"]) == 12
    assert len(csv_text(bench).splitlines()) == 13
    promised = {
        *("target", "concurrency", "requests", "failed", "requests_per_s"),
        *("generation_tokens_per_s", "ttft_ms", "itl_ms", "e2e_ms"),
    }
    assert promised <= data["runs"][0].keys()
    assert set(data["runs"][0]["ttft_ms"]) == {"p50", "p95", "p99", "mean"}
    in_rates, in_latencies = tables(bench, PriceSettings(hardware_per_hour=2.0, currency="EUR"))
    heads, body = in_rates.heads, in_rates.rows
    assert heads[-1] == "EUR/Mtok"
    assert len(body) == len(in_latencies.rows) == 4
    point = points(bench)[0]
    rate = point.rate("generation_tokens_per_s")
    assert rate is not None
    assert float(body[0][-1].replace(",", "")) == pytest.approx(2e6 / rate / 3600, rel=0.01)
    assert len({len(line) for line in text_table(heads, body)}) == 1
    page = markdown(bench, PriceSettings())
    assert page.count("\n| ours |") == page.count("\n| rival |") == 4
    assert page.count("\n| rival / ours | 2 |") == page.count("\n| rival / ours | all |") == 5
    (all_loads,) = data["overall"]
    assert (all_loads["other"], all_loads["concurrency"]) == ("rival", None)
    shown = "\n".join(lines(bench, PriceSettings(), 80))
    assert "TPOT" in shown
    assert len(re.findall(r"^rival / ours +all ", shown, re.M)) == 5
    assert [one.other for one in differences(bench)] == ["rival", "rival"]
    json.dumps(json.loads(kept.path_of(bench.id).read_text()))


async def test_the_plot_has_every_point_in_text_and_svg() -> None:
    async with pair() as two:
        bench = await run(two.spec(repeats=1))
    plot = plot_of(points(bench))
    assert plot is not None
    for width, height in ((40, 10), (80, 16), (140, 40)):
        lines = drawn(plot, width, height)
        assert len(lines) == height
        assert all(len(line) <= width for line in lines[:-2])
        text = "\n".join(lines)
        assert 1 <= text.count("●") <= 3
        assert "rival" in text
    assert all(line.isascii() for line in drawn(plot, 80, 16, ascii_only=True))
    image = svg(plot, "a <b> & c")
    assert image.count("<circle") == 4
    assert "a &lt;b&gt; &amp; c" in image
    assert re.search(r"nan|inf", image) is None


async def test_answers_side_by_side_are_scored_by_schema_and_reference(tmp_path: Path) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    wrong = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string"}}}
    file = tmp_path / "asked.jsonl"
    with file.open("w") as out:
        for key, more, beside in (
            ("obeys", {"response_format": form}, {}),
            ("breaks", {"response_format": wrong}, {}),
            ("equal", {}, {"reference": {"a": 1}}),
            ("other", {}, {"metadata": {"reference": "quite another thing"}}),
            ("unknown", {}, {}),
        ):
            body = {"messages": [{"role": "user", "content": key}], "max_tokens": 5, **more}
            out.write(json.dumps({"custom_id": key, **LINE, "body": body, **beside}) + "\n")
    async with pair() as two:
        spec = replace(two.spec(repeats=1, concurrency=(1,)), source=Source(str(file)), answers=5)
        bench = await run(spec)
    assert bench.state is BenchState.DONE, bench.note
    scores = {one.key: [a.score for a in one.answers] for one in bench.answered}
    assert scores == {
        "obeys": [1.0, 1.0],
        "breaks": [0.0, 0.0],
        "equal": [1.0, 1.0],
        "other": [0.0, 0.0],
        "unknown": [None, None],
    }
    assert {a.contender for a in bench.answered[0].answers} == {"ours", "rival"}


async def test_two_kept_ones_are_compared_with_what_else_differs() -> None:
    async with pair() as two:
        spec = two.spec(repeats=3, concurrency=(1,))
        first = await run(replace(spec, targets=spec.targets[:1]))
        second = await run(replace(spec, targets=spec.targets[:1], concurrency=(1, 2)))
    changed = replace(second.facts["ours"], flags=("--enforce-eager",), version="0.31.0")
    second = replace(second, facts={"ours": changed})
    found, remarks = compare_benches(first, second)
    assert [(one.load, len(one.differences)) for one in found] == [(first.spec.loads[0], 4)]
    assert any("0.31.0" in remark for remark in remarks)
    assert any("--enforce-eager" in remark for remark in remarks)
    assert any("only one of them" in remark for remark in remarks)


async def test_a_file_without_a_prompt_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    body = {"input": "x"}
    file.write_text(json.dumps({"custom_id": "a", "url": "/v1/embeddings", "body": body}) + "\n")
    async with pair() as two:
        bench = await run(replace(two.spec(), source=Source(str(file))))
    assert bench.state is BenchState.FAILED
    assert "no chat or completion" in (bench.note or "")
