"""The history of requests: kept across consoles, bounded, private, never lost to a bad file."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.home import wait_until
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import AskEvent, AskRequest
from vconsole.tui.requests import asked_file
from vconsole.tui.requests.asked_file import AskedFile, asked_path
from vconsole.tui.requests.exchange import Exchange, columns_for

AT = datetime(2026, 11, 24, tzinfo=UTC)


def asked(id: str, prompt: str = "hi", answer: str = "good day") -> Exchange:
    request = AskRequest(prompt, temperature=0.5, stop=("END",), json_schema={"type": "object"})
    exchange = Exchange(id, 1, request, columns_for(("main",), 1, 0.0), AT, "lark")
    exchange = exchange.with_event(0, AskEvent("text", answer), 1.0)
    return exchange.with_event(0, AskEvent("done", finish_reason="stop", ttft_ms=8.0), 2.0)


class Kept:
    """A file and what it complained of."""

    def __init__(self) -> None:
        self.faults: list[VConsoleError] = []
        self.file = AskedFile(self.faults.append)

    def keep(self, *exchanges: Exchange) -> None:
        for exchange in exchanges:
            self.file.keep(exchange)
        self.file.flush()


def test_what_was_asked_is_there_for_the_next_console() -> None:
    kept = Kept()
    kept.keep(asked("a", "one"), asked("b", "two"))
    found = Kept().file.load()
    assert found == [asked("a", "one"), replace(asked("b", "two"), number=2)]
    assert asked_path().stat().st_mode & 0o777 == 0o600
    assert kept.faults == []


def test_an_exchange_is_brought_up_to_date_and_not_twice_there() -> None:
    kept = Kept()
    begun = replace(asked("a"), columns=columns_for(("main",), 1, 0.0))
    kept.keep(begun)
    (interrupted,) = Kept().file.load()
    assert interrupted.first.stopped  # its console was killed before the answer came
    kept.keep(asked("a"))
    assert Kept().file.load() == [asked("a")]


def test_two_consoles_add_to_it_at_the_same_time() -> None:
    consoles = [Kept() for _ in range(4)]

    def fill(number: int, console: Kept) -> None:
        for index in range(10):
            console.keep(asked(f"{number}-{index}"))

    threads = [threading.Thread(target=fill, args=pair) for pair in enumerate(consoles)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({exchange.id for exchange in Kept().file.load()}) == 40
    assert [console.faults for console in consoles] == [[], [], [], []]


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_file, "KEPT", 5)
    Kept().keep(*(asked(str(number)) for number in range(8)))
    assert [exchange.id for exchange in Kept().file.load()] == ["3", "4", "5", "6", "7"]


def test_its_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_file, "LARGEST_FILE_BYTES", 20_000)
    Kept().keep(*(asked(str(number), answer="x" * 4000) for number in range(8)))
    assert [exchange.id for exchange in Kept().file.load()][-1] == "7"
    assert asked_path().stat().st_size < 21_000


def test_what_is_too_large_alone_is_not_kept() -> None:
    Kept().keep(asked("large", answer="x" * asked_file.LARGEST_ENTRY_BYTES), asked("small"))
    assert [exchange.id for exchange in Kept().file.load()] == ["small"]


@pytest.mark.parametrize("ruin", [b"{", b"\xff\xfe", b"[]", b""])
def test_a_ruined_file_is_set_aside_and_a_new_one_begun(ruin: bytes) -> None:
    asked_path().parent.mkdir(parents=True, mode=0o700)
    asked_path().write_bytes(ruin)
    kept = Kept()
    assert kept.file.load() == []
    kept.keep(asked("a"))
    assert [exchange.id for exchange in Kept().file.load()] == ["a"]
    assert asked_path().with_name("asked.json.corrupt-1").read_bytes() == ruin


def test_entries_of_another_form_are_left_out() -> None:
    Kept().keep(asked("a"))
    text = asked_path().read_text()
    asked_path().write_text(text.replace('"asked":[', '"asked":[{"id":3},'))
    assert [exchange.id for exchange in Kept().file.load()] == ["a"]


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    asked_path().mkdir(parents=True, mode=0o700)
    asked_path().parent.chmod(0o700)
    kept = Kept()
    kept.keep(asked("a"))
    wait_until("a fault is told", lambda: kept.faults, 5)
    assert "history of requests" in kept.faults[0].message


def test_forgetting_removes_it() -> None:
    kept = Kept()
    kept.file.forget()
    kept.keep(asked("a"))
    kept.file.forget()
    assert not asked_path().exists()
    assert Kept().file.load() == []
