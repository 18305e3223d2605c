"""Theme files: the ones that ship, and what a bad one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.errors import VConsoleError
from vconsole.settings import Settings, UiSettings
from vconsole.supervisor.client import SupervisorClient
from vconsole.tui.app import ConsoleApp
from vconsole.tui.drawing.text import Role
from vconsole.tui.screens.themes import ThemesScreen
from vconsole.tui.theming.themes import load_theme, load_themes, themes_dir


def test_the_shipped_themes_style_every_role() -> None:
    themes = load_themes()
    assert {"vconsole-dark", "vconsole-light", "vconsole-ansi", "vconsole-mono"} <= set(themes)
    for name, theme in themes.items():
        assert theme.name == name == load_theme(themes_dir() / f"{name}.toml").name
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


def write_theme(name: str, accent: str) -> None:
    """A theme of the user's: the dark one with another accent."""
    folder = Path("config/vconsole/themes")
    folder.mkdir(parents=True, exist_ok=True)
    text = (themes_dir() / "vconsole-dark.toml").read_text(encoding="utf-8")
    text = text.replace("vconsole-dark", name).replace("#5cb8e6", accent)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


async def test_own_themes_are_used_reloaded_and_named_when_bad(stage: Stage) -> None:
    write_theme("mine", "#123456")
    write_theme("broken", "no colour")
    stage.supervise(sketches.ready(Path("good.log")))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await until(pilot, lambda: bool(toasts(app)), "the bad one was named")
        assert "broken.toml" in toasts(app)[0]
        assert {"mine", "vconsole-mono"} <= set(app.available_themes)
        app.theme = "mine"
        await pilot.pause()
        assert str(app.role_styles[Role.ACCENT].color).find("#123456") >= 0
        write_theme("mine", "#654321")
        stage.peer.publish(sketches.ready(Path("good.log")))
        await until(
            pilot, lambda: "#654321" in str(app.role_styles[Role.ACCENT].color), "it was reloaded"
        )


@pytest.mark.parametrize("name", sorted(load_themes()))
async def test_each_theme_can_draw_the_console(stage: Stage, name: str) -> None:
    stage.supervise(sketches.ready(Path("good.log")))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        app.theme = name
        await pilot.press("S")
        await pilot.press("escape", "ctrl+p")
        await pilot.pause()
        assert app.export_screenshot().startswith("<svg")


async def test_themes_are_seen_while_one_moves_and_esc_brings_back(stage: Stage) -> None:
    stage.supervise(sketches.ready(Path("good.log")))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        names = sorted(app.available_themes)
        after = names[names.index("vconsole-dark") + 1]
        await app.action_perform("console.theme")
        await until(pilot, lambda: isinstance(app.screen, ThemesScreen), "the list came")
        await pilot.press("down")
        assert app.theme == after
        assert f'theme = "{after}"' in painted(app)
        assert "RTX 4080" in painted(app)
        await pilot.press("escape")
        assert app.theme == "vconsole-dark"
        await app.action_perform("console.theme")
        await pilot.press("down", "enter")
        assert app.theme == after
        await until(pilot, lambda: bool(toasts(app)), "it said how to keep it")
        assert f'theme = "{after}" under [ui] in' in toasts(app)[0]


async def test_a_theme_that_is_not_there_is_told(stage: Stage) -> None:
    stage.supervise(sketches.ready(Path("good.log")))
    chosen = Settings(ui=UiSettings(theme="pink"))
    app = ConsoleApp(Path("s.sock"), chosen=chosen, connect=SupervisorClient)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(toasts(app)), "it was told")
        assert "pink: there is no such theme" in toasts(app)[0]
        assert app.theme == "vconsole-dark"
