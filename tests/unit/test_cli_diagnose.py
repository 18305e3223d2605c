"""`vconsole diagnose` as people and scripts call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from vconsole.cli.diagnose import diagnose
from vconsole.errors import VConsoleError

DATA = Path(__file__).parent / "data" / "failures"
LOG = DATA / "kv_cache_too_small.log"


def test_json_has_the_promised_keys() -> None:
    result = CliRunner().invoke(diagnose, [str(LOG), "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["cause"] == "kv_cache_too_small"
    assert found["severity"] == "fatal"
    assert found["retryable"] is False
    assert found["suggested_flags"] == ["--max-model-len", "384"]
    assert (
        found["evidence"]["text"]
        == LOG.read_bytes().decode().split("\n")[found["evidence"]["line"] - 1]
    )
    assert found["remedy"]


def test_text_shows_the_evidence_between_its_neighbours() -> None:
    result = CliRunner().invoke(diagnose, ["-"], input=LOG.read_bytes())
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    marked = [at for at, line in enumerate(lines) if line.startswith(">")]
    assert len(marked) == 1
    assert "max seq len (2048)" in lines[marked[0]]
    assert lines[marked[0] - 2].startswith("  ")
    assert lines[marked[0] + 2].startswith("  ")
    assert "flags:  --max-model-len 384" in lines


def test_what_a_log_holds_cannot_act_on_the_terminal() -> None:
    log = b"\x1b]0;owned\x07\x1b[2JModuleNotFoundError: No module named 'timm'\x08\n"
    result = CliRunner().invoke(diagnose, ["-"], input=log)
    assert "\x1b" not in result.stdout
    assert "\x08" not in result.stdout
    assert "missing_dependency" in result.stdout


def test_numbers_are_those_of_an_editor(tmp_path: Path) -> None:
    log = tmp_path / "bar.log"
    log.write_bytes(b"Loading: 1%|\rLoading: 2%|\rdone\nModuleNotFoundError: No module named 'x'\n")
    found = json.loads(CliRunner().invoke(diagnose, [str(log), "--json"]).stdout)
    assert found["evidence"]["line"] == 2


def test_a_log_that_cannot_be_read_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for arguments in ([str(tmp_path / "none.log")], ["--name", "main"], [str(tmp_path)]):
        result = CliRunner().invoke(diagnose, arguments)
        assert isinstance(result.exception, VConsoleError)
        assert result.exception.remedy


def test_any_bytes_are_a_log(tmp_path: Path) -> None:
    log = tmp_path / "noise.log"
    log.write_bytes(bytes(range(256)) * 40)
    result = CliRunner().invoke(diagnose, [str(log), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["cause"] == "healthy"
