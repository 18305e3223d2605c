"""`vconsole diagnose` as people and scripts call it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from vconsole import paths
from vconsole.cli.servers.diagnose import diagnose
from vconsole.errors import VConsoleError
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Run

DATA = Path(__file__).parents[1] / "data" / "failures"
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


def test_without_a_file_only_the_last_run_counts() -> None:
    """One that died before it said its version: nothing in the log tells where it began."""
    log = record.log_path("main")
    paths.private_folder(log.parent)
    before = b"ModuleNotFoundError: No module named 'timm'\n"
    log.write_bytes(before + b"first\nImportError: /x/_C.so: undefined symbol: _ZN3c105\n")
    run = Run("main-1", "boot", ProcessId(1, 1), datetime.now(UTC), len(before))
    record.save(replace(record.load("main"), run=run))
    found = json.loads(CliRunner().invoke(diagnose, ["--json"]).stdout)
    assert (found["cause"], found["evidence"]["line"]) == ("abi_mismatch", 3)
    shown = CliRunner().invoke(diagnose, []).stdout
    assert "> 3 ImportError" in shown
    assert "timm" not in shown


@pytest.mark.parametrize(
    ("saying", "package"),
    [
        ('RuntimeError: The `x` module requires "pycountry" to be installed.', "pycountry"),
        ("ImportError: install it: pip install petname", "petname"),
        ("ImportError: install it: `pip install petname`", "petname"),
    ],
)
def test_a_missing_package_is_named_whole(saying: str, package: str) -> None:
    found = json.loads(CliRunner().invoke(diagnose, ["-", "--json"], input=saying).stdout)
    assert found["cause"] == "missing_dependency"
    assert f"package {package} " in found["message"]
