"""The console's themes: those that ship, the user's, and the one in use."""

from __future__ import annotations

from rich.style import Style
from textual.theme import Theme

from vconsole.tui.drawing.text import Role
from vconsole.tui.terminal.key_order import KeysInOrder
from vconsole.tui.theming.parsed_once import ParsedOnce
from vconsole.tui.theming.themes import (
    ConsoleTheme,
    first_themes,
    load_own_themes,
    load_themes,
    own_themes_dir,
    stamps,
)

DEFAULT_THEME = "vconsole-dark"


class ThemedApp(KeysInOrder, inherit_bindings=False):
    """`wanted` is the theme of the settings; one that is not there is told, and the default taken.

    Only that one and the default are read before the first paint.
    """

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        self._themes: dict[str, ConsoleTheme] = {}
        self._styles: dict[str, dict[Role, Style]] = {}
        self._add_themes(first_themes(wanted, DEFAULT_THEME))
        self._own_themes: tuple[tuple[str, int], ...] = ()
        self._theme_faults = self._load_own_themes()
        self.theme = wanted if wanted in self._themes else DEFAULT_THEME
        if wanted not in self._themes:
            self._theme_faults.append(f"{wanted}: there is no such theme")

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Our own alone: the roles of a line have no colours in Textual's."""
        own = self.__dict__.get("_themes", {})
        found = super().available_themes
        return {name: found[name] for name in own if name in found} or found

    @property
    def role_styles(self) -> dict[Role, Style]:
        return self._styles[self.theme]

    def load_other_themes(self) -> None:
        """Those that ship, but for what a user replaced."""
        shipped = load_themes()
        self._add_themes({name: shipped[name] for name in shipped if name not in self._themes})

    def follow_own_themes(self) -> None:
        """An edited theme is seen at once, a broken one is named."""
        before = self._own_themes
        faults = self._theme_faults or self._load_own_themes()
        self._theme_faults = []
        if faults:
            text = "\n".join(faults)
            self.notify(text, title="Themes not used", severity="warning", markup=False)
        if self._own_themes != before:
            self.refresh_css(animate=False)
            self.screen.refresh()

    def _add_themes(self, themes: dict[str, ConsoleTheme]) -> None:
        self._themes.update(themes)
        for name, theme in themes.items():
            self._styles[name] = theme.styles()
            self.register_theme(theme.textual())

    def _load_own_themes(self) -> list[str]:
        """Take in the user's themes where their files have changed; returns what is wrong."""
        found = stamps(own_themes_dir())
        if found == self._own_themes:
            return []
        self._own_themes = found
        own, faults = load_own_themes(own_themes_dir())
        self._add_themes(own)
        return faults
