"""The command around a proof: what it refuses, what it shows again, who else may not meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.measurements import series
from tests.support.proofs import journal
from vconsole.cli.app import run
from vconsole.errors import VConsoleError
from vconsole.supervisor.proving.journal import Line, Took
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.tuning.alone import alone_with


def kept() -> None:
    made = journal()
    for leg, rate in ((Leg.BATCHED, 900.0), (Leg.RIVAL_BATCHED, 300.0)):
        for repeat, one in enumerate(series(rate, repeats=3)):
            made.add(Line(took=Took(leg, repeat, "salt", one)))
    made.close()


@pytest.mark.parametrize(
    "wrong",
    [
        ("--concurrency", "1"),
        ("--repeats", "1"),
        ("--history", "--input-tokens", "5"),
        ("--against", "localhost:8080"),
        ("--svg", "/no/such/folder/card.svg"),
    ],
)
def test_nonsense_is_refused_before_anything_is_touched(
    wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prove", *wrong, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"]


def test_read_only_it_shows_the_last_card_and_makes_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VCONSOLE_READONLY", "1")
    assert run(["prove"]) == 5
    assert run(["prove", "--last"]) == 5
    assert "nothing was proved on main yet" in capsys.readouterr().err
    kept()
    picture = tmp_path / "card.svg"
    assert run(["prove", "--last", "--svg", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "Yes: 3.00 times Ollama's tokens per second with 16 requests at once" in said
    assert "✓ confirmed    With 16 requests at once it generates more tokens" in said
    assert max(map(len, said.splitlines())) <= 100
    assert picture.read_text().startswith("<svg ")


def test_json_has_claims_counts_and_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    kept()
    assert run(["prove", "--last", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["counts"]["confirmed"] == 1
    assert card["counts"]["refuted"] == 1  # that it is 10 to 50 times as fast
    assert {leg["leg"]: leg["repeats"] for leg in card["measured"]} == {
        "batched": 3,
        "rival, batched": 3,
    }
    assert card["measured"][0]["generation_tokens_per_s"] == pytest.approx(900, rel=0.01)
    assert card["rival"]["name"] == "Ollama"


def test_two_never_have_one_server_in_hand() -> None:
    with alone_with("main"):
        with pytest.raises(VConsoleError, match="has main in hand") as caught, alone_with("main"):
            pass
        assert caught.value.exit_code == 5
        with alone_with("other"):
            pass
    with alone_with("main"):
        pass
