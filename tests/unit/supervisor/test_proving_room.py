"""Ollama makes room by its ladder and book, and who is measured against; Ollama is a stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.home import free_port
from tests.support.ollama_stand_in import OllamaStandIn, ollama_stand_in
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.ollama import api
from vconsole.host.ollama.owner import Owner, OwnerKind
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.ollama import book, ladder
from vconsole.supervisor.ollama.model import HeldModel, OllamaReport, Rung
from vconsole.supervisor.proving.rival import Found, Sought, find_rival, named_url
from vconsole.supervisor.proving.room import Noted, Room, note

GB = 10**9


class Supervisor(SupervisorClient):
    """The supervisor's verbs without its socket: the ladder and the book are the real ones."""

    def __init__(self) -> None:
        self.verbs: list[str] = []

    def ollama(self) -> OllamaReport:
        held = api.loaded_models()
        models = tuple(HeldModel(one.name, one.size_vram) for one in held or ())
        return OllamaReport(held is not None, models=models, taken=book.read())

    def change_ollama(self, verb: str, pid: int | None = None) -> OllamaReport:
        self.verbs.append(str(verb))
        taken = book.read()
        if verb == "restore":
            assert taken is not None
            asyncio.run(ladder.restore(taken))
        else:
            held = api.loaded_models() or ()
            asyncio.run(ladder.climb(Rung(verb), Owner(OwnerKind.HIDDEN), held, pid))
        return self.ollama()


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaStandIn]:
    monkeypatch.setenv("OLLAMA_MODELS", "/nowhere")
    with ollama_stand_in(llama3_8b=9 * GB) as made:
        monkeypatch.setenv("OLLAMA_HOST", made.url)
        yield made


def noted(supervisor: Supervisor) -> Noted:
    return note(supervisor.ollama())


def test_what_it_held_is_unloaded_by_the_book_and_loaded_again(peer: OllamaStandIn) -> None:
    supervisor = Supervisor()
    room = Room(supervisor, noted(supervisor), "llama3:8b")
    assert room.make() == ("llama3:8b",)
    assert not peer.loaded
    assert book.read() is not None
    peer.loaded["llama3:8b"] = 9 * GB  # it was measured
    room.give_back()
    assert list(peer.loaded) == ["llama3:8b"]
    assert book.read() is None
    assert supervisor.verbs == ["unload", "restore"]


def test_a_guest_that_was_not_loaded_before_is_let_go(peer: OllamaStandIn) -> None:
    supervisor = Supervisor()
    room = Room(supervisor, noted(supervisor), "phi:3b")
    room.make()
    peer.loaded["phi:3b"] = 2 * GB
    room.give_back()
    assert list(peer.loaded) == ["llama3:8b"]


def test_after_a_death_the_guest_gets_into_no_book(peer: OllamaStandIn) -> None:
    """The one that goes on finds the guest loaded, and what was noted unloaded."""
    supervisor = Supervisor()
    before = noted(supervisor)
    Room(supervisor, before, "phi:3b").make()
    peer.loaded["phi:3b"] = 2 * GB
    again = Room(supervisor, before, "phi:3b")
    assert again.make() == ()
    again.give_back()
    assert list(peer.loaded) == ["llama3:8b"]


def test_what_was_taken_before_stays_taken(peer: OllamaStandIn) -> None:
    """Its user had sent a model away for good: that book is not ours to close."""
    supervisor = Supervisor()
    supervisor.change_ollama("unload")
    peer.loaded["phi:3b"] = 2 * GB
    before = noted(supervisor)
    assert before == Noted(("phi:3b",), was_taken=True)
    room = Room(supervisor, before)
    room.make()
    assert not peer.loaded
    room.give_back()
    assert list(peer.loaded) == ["phi:3b"]
    taken = book.read()
    assert taken is not None
    assert "llama3:8b" in taken.models


def test_an_ollama_that_holds_nothing_or_is_elsewhere_is_left_alone(
    peer: OllamaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor()
    report = supervisor.ollama()
    peer.loaded.clear()
    empty = Room(supervisor, noted(supervisor))
    assert empty.make() == ()
    empty.give_back()
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.1:11434")
    assert note(report) == Noted()
    assert supervisor.verbs == []


def sought(report: OllamaReport, **more: str) -> Found:
    return asyncio.run(find_rival(Sought(**more), report))


def test_the_model_that_is_like_ours_is_taken_before_the_one_in_memory(
    peer: OllamaStandIn,
) -> None:
    peer.on_disk["qwen2.5:7b"] = 5 * GB
    report = Supervisor().ollama()
    like = sought(report, ours="Qwen/Qwen2.5-7B-Instruct")
    assert like.rival is not None
    assert (like.rival.model, like.notes) == ("qwen2.5:7b", ())
    other = sought(report, ours="acme/other", device="cpu")
    assert other.rival is not None
    assert (other.rival.model, other.rival.beside) == ("llama3:8b", True)
    assert "not known to be the one" in other.notes[0]
    on_a_card = sought(report, model="phi:3b").rival
    assert on_a_card is not None
    assert (on_a_card.model, on_a_card.beside) == ("phi:3b", False)


def test_several_models_and_none_like_ours_have_to_be_chosen_from(peer: OllamaStandIn) -> None:
    peer.on_disk = {"a:1b": GB, "b:1b": GB}
    peer.loaded.clear()
    with pytest.raises(VConsoleError, match="several models") as caught:
        sought(Supervisor().ollama(), ours="acme/other")
    assert caught.value.exit_code is ExitCode.USAGE
    assert "a:1b, b:1b" in str(caught.value.remedy)
    peer.on_disk = {}
    with pytest.raises(VConsoleError, match="has no model"):
        sought(Supervisor().ollama())


def test_without_ollama_there_is_none_with_the_reason() -> None:
    found = sought(OllamaReport(False))
    assert (found.rival, found.why_none[:24]) == (None, "Ollama is not running at")


def test_another_server_is_asked_who_it_is_and_an_absent_one_is_an_error() -> None:
    assert named_url("http://h:1/v1?a=b/c") == ("http://h:1/v1?a=b/c", "h:1")
    assert named_url("http://h:1=llama.cpp") == ("http://h:1", "llama.cpp")
    with pytest.raises(VConsoleError, match="no address") as caught:
        named_url("localhost:8080")
    assert caught.value.exit_code is ExitCode.USAGE
    with pytest.raises(VConsoleError) as absent:
        sought(OllamaReport(False), against=f"http://127.0.0.1:{free_port()}")
    assert absent.value.exit_code is ExitCode.NO_SERVER
