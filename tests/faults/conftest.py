"""One scene for all faults, and the table of what they did: printed, and kept when asked to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.reliability import Line, as_markdown, as_text
from tests.faults.scene import Scene
from tests.faults.small_disk import small_disk

TABLE = pytest.StashKey[list[Line]]()
ROW = pytest.StashKey["Row"]()


@dataclass
class Row:
    """What a case says of itself for the table."""

    title: str = ""
    expected: str = ""
    seen: str = ""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", type=Path, help="write the table of this run to this file")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """A line of the table, filled by the test."""
    made = Row(title=request.node.name)
    request.node.stash[ROW] = made
    return made


@pytest.fixture(scope="session")
def scene(
    tmp_path_factory: pytest.TempPathFactory, engine_python: str, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    """One server for all cases, on a small disk where the whole matrix runs."""
    root = tmp_path_factory.mktemp("faults")
    whole = any(item.get_closest_marker("fault_matrix") for item in request.session.items)
    with small_disk(root / "state", wanted=whole):
        made = Scene(root, engine_python)
        try:
            yield made
        finally:
            made.home.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    made = item.stash.get(ROW, None)
    if report.when == "call" and made:
        line = Line(made.title, made.expected, made.seen, report.duration, report.passed)
        item.config.stash[TABLE].append(line)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash[TABLE]
    if not lines:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(as_text(lines))
    target = config.getoption("--reliability", default=None)
    if target:
        target.write_text(as_markdown(lines))
        terminalreporter.write_line(f"written: {target}")
