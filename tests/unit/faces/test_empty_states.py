"""What a newcomer reads before anything has run: never nothing at all, and what to do first."""

from __future__ import annotations

import pytest

from vconsole.cli.app import run

EMPTY = {
    "status": (0, "nothing ran yet"),
    "events": (0, "no events yet"),
    "events --kind crash": (0, "no such events"),
    "report": (0, "nothing went wrong"),
    "models pulls": (0, "`vconsole models pull OWNER/NAME` begins one"),
    "profile list": (0, "`vconsole profile save NAME` makes one"),
    "bench list": (0, "no benches yet: vconsole bench"),
    "logs": (3, "main has no log yet"),
    "diagnose": (1, "main has no log yet\nhint: `vconsole start` makes one, or name a log file"),
    "supervisor status": (0, "the first command that needs it starts it"),
}


@pytest.mark.parametrize("line", EMPTY)
def test_nothing_there_is_said_in_words(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, words = EMPTY[line]
    assert run(line.split()) == code
    told = capsys.readouterr()
    assert words in told.out + told.err


@pytest.mark.parametrize("line", ["events --json", "models pulls --json"])
def test_scripts_get_data_alone(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out in ("", '{"pulls":[]}\n')


def test_an_unknown_cost_is_explained_without_a_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["report"])
    assert "cost     — prices.kwh is not set; neither" in capsys.readouterr().out
