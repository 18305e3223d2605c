"""Settings: precedence, origins, and what a wrong value says."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole import settings
from vconsole.errors import ExitCode, VConsoleError


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_without_a_file_the_built_in_values_hold(tmp_path: Path) -> None:
    loaded = settings.load(tmp_path / "none.toml", {})
    assert loaded.server.port == 8000
    assert loaded.server.host == "127.0.0.1"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "[server]\nport = 8100\ndrain_s = 5\n[ui]\nascii = true\n")
    environ = {"VCONSOLE_SERVER_PORT": "8200", "VCONSOLE_UI_MOUSE": "off"}
    loaded = settings.load(file, environ)
    assert (loaded.server.port, loaded.server.drain_s) == (8200, 5)
    assert (loaded.ui.ascii, loaded.ui.mouse) == (True, False)
    origins = {value.key: value.origin for value in settings.explain(file, environ)}
    assert origins["server.port"] == "VCONSOLE_SERVER_PORT"
    assert origins["server.drain_s"] == str(file)
    assert origins["server.host"] == "built in"


@pytest.mark.parametrize(
    "text",
    ["[server]\nport = 'many'", "[server]\nport = true", "[ui]\nascii = 2", "no toml at all"],
)
def test_a_wrong_file_is_a_usage_error_that_names_it(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "c.toml", text)
    with pytest.raises(VConsoleError) as raised:
        settings.load(file, {})
    assert raised.value.exit_code is ExitCode.USAGE
    assert str(file) in raised.value.message


def test_keys_that_nothing_answers_to_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "colour = 1\n[server]\nprot = 8000\nport = 8000\n")
    assert settings.unknown_keys(file) == ("colour", "server.prot")


def test_a_keymap_is_a_table_of_names_with_one_key_or_several(tmp_path: Path) -> None:
    text = '[ui]\nkeymap = { "server.stop" = "X", "logs.filter" = ["slash", "f3"], "a.b" = [] }\n'
    file = write(tmp_path / "c.toml", text)
    wanted = {"server.stop": ("X",), "logs.filter": ("slash", "f3"), "a.b": ()}
    assert settings.load(file, {}).ui.keymap == wanted
    assert settings.unknown_keys(file) == ()
    dotted = write(tmp_path / "d.toml", '[ui.keymap]\nserver.stop = "X"\n')
    assert settings.load(dotted, {}).ui.keymap == {"server.stop": ("X",)}
    environ = {"VCONSOLE_UI_KEYMAP": "logs.filter=slash, logs.filter=f3,a.b="}
    assert settings.load(file, environ).ui.keymap == {"logs.filter": ("slash", "f3"), "a.b": ()}


@pytest.mark.parametrize("text", ["keymap = 3", "keymap = ['X']", 'keymap = { "a" = 3 }'])
def test_a_keymap_that_is_no_table_of_words_is_named(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "c.toml", f"[ui]\n{text}\n")
    with pytest.raises(VConsoleError, match=r"ui\.keymap must be a table of words"):
        settings.load(file, {})
    with pytest.raises(VConsoleError, match="VCONSOLE_UI_KEYMAP"):
        settings.load(tmp_path / "none", {"VCONSOLE_UI_KEYMAP": "server.stop"})
