"""The page of the benchmarks: what is measured anew is replaced, what is not stays."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.bench.measure import Figure, Table
from tests.bench.report import Machine, as_markdown


def machine(day: int) -> Machine:
    at = datetime(2026, 11, day, 12, tzinfo=UTC)
    return Machine(at, "EPYC", 2, 25.0, "Linux 6", {"vLLM": "0.32.0"}, (0.5, 1.5))


def table(name: str, value: float) -> Table:
    return Table(name, "in turn", (Figure("one request", "ms", (value,), 5.0),))


def test_tables_that_were_not_measured_stay_with_their_date() -> None:
    first = as_markdown(machine(23), [table("client", 1.0), table("batch", 2.0)])
    page = as_markdown(machine(29), [table("batch", 7.0), table("sharing", 3.0)], first)
    names = [line for line in page.splitlines() if line.startswith("## ")]
    assert names == ["## client", "## batch", "## sharing"]
    client, batch, _ = page.split("\n## ")[1:]
    assert "2026-11-23" in client
    assert "| 1 ms |" in client
    assert "2026-11-29" in batch
    assert "MISSED" in batch
    assert page.count("# Benchmarks\n") == 1


def test_the_same_page_comes_from_the_same_tables() -> None:
    tables = [table("client", 1.0), table("batch", 2.0)]
    page = as_markdown(machine(23), tables)
    assert as_markdown(machine(23), tables, page) == page
