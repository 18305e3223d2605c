"""Theme files: the ones that ship, and what a bad one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole.errors import VConsoleError
from vconsole.tui.text import Role
from vconsole.tui.themes import load_theme, load_themes, themes_dir


def test_the_shipped_themes_style_every_role() -> None:
    themes = load_themes()
    assert {"vconsole-dark", "vconsole-light"} <= set(themes)
    for theme in themes.values():
        assert set(theme.styles()) == set(Role)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("accent = ", "# "), "accent is missing"),
        (('"#0f1419"', '"very dark"'), "very dark"),
        (("[colors]", "[colors"), "cannot be used"),
    ],
)
def test_a_bad_theme_is_named_with_its_fault(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    text = (themes_dir() / "vconsole-dark.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(VConsoleError) as raised:
        load_theme(path)
    assert "mine.toml" in raised.value.message
    assert fault in raised.value.message
