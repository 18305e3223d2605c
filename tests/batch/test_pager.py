"""The output of a batch opened from the console, in a real terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.conftest import write_requests
from tests.support.home import Home
from tests.support.stub import stub
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.terminal]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Home]:
    """A user without an engine, who has run a batch on the stub."""
    made = Home(tmp_path, "/nowhere/python")
    source = write_requests(tmp_path / "in.jsonl", 5)
    with stub() as url:
        ran = made.run("batch", "run", str(source), "-o", str(tmp_path / "o.jsonl"), "--url", url)
    assert ran.code == 0, ran.err
    yield made
    made.close()


def test_the_output_opens_in_a_pager_and_the_console_comes_back(
    user: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\ncat "$2"; echo "shown with $1"; read -r _\n')
    pager.chmod(0o700)
    monkeypatch.setenv("PAGER", f"{pager} -S")
    terminal = Terminal(user, 100, 30)
    with contextlib.closing(terminal):
        terminal.wait_for("q leave")
        terminal.press("4")
        terminal.wait_for("5 of 5")
        terminal.press("e")
        terminal.wait_for("shown with -S")
        assert '"custom_id":"r4"' in terminal.screen()
        assert "Batches" not in terminal.screen()
        terminal.press("Enter")
        terminal.wait_for("Batches")
        terminal.wait_for("Latest answers")
        terminal.press("1")
        terminal.wait_for("Host memory")
