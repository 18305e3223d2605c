"""Themes: TOML files of twelve colours, turned into Textual's themes and into styles by role."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.tui.drawing.text import Role

COLOR_NAMES = (
    "background",
    "raised",
    "text",
    "strong",
    "dim",
    "faint",
    "line",
    "accent",
    "second",
    "good",
    "warn",
    "bad",
)
ANSI = "ansi_"


@dataclass(frozen=True, slots=True)
class ConsoleTheme:
    """One theme file: its name and the colours of `COLOR_NAMES`, as CSS writes colours."""

    name: str
    dark: bool
    colors: dict[str, str]

    def textual(self) -> Theme:
        """The same for Textual's own widgets."""
        color = self.colors
        return Theme(
            name=self.name,
            dark=self.dark,
            ansi=any(each.startswith(ANSI) for each in color.values()),
            primary=color["accent"],
            secondary=color["second"],
            accent=color["accent"],
            foreground=color["text"],
            background=color["background"],
            surface=color["background"],
            panel=color["raised"],
            success=color["good"],
            warning=color["warn"],
            error=color["bad"],
            variables={
                "ansi-background": color["background"],
                "ansi-foreground": color["text"],
                "border": color["line"],
                "border-blurred": color["line"],
                "dim": color["dim"],
                "faint": color["faint"],
                "line": color["line"],
                "strong": color["strong"],
                "scrollbar": color["faint"],
                "scrollbar-background": color["background"],
                "scrollbar-corner-color": color["background"],
                "block-cursor-background": color["accent"],
                "block-cursor-foreground": color["background"],
                "input-selection-background": self._see_through(color["accent"]),
            },
        )

    def _see_through(self, color: str) -> str:
        """The terminal's own colours cannot be mixed."""
        return color if color.startswith(ANSI) else f"{color} 30%"

    def styles(self) -> dict[Role, Style]:
        """How each role is drawn."""
        # Rich writes the terminal's own colours without the prefix that CSS gives them.
        color = {name: each.removeprefix(ANSI) for name, each in self.colors.items()}
        plain = {
            Role.TEXT: "text",
            Role.DIM: "dim",
            Role.FAINT: "faint",
            Role.LINE: "line",
            Role.ACCENT: "accent",
            Role.SECOND: "second",
            Role.GOOD: "good",
            Role.WARN: "warn",
            Role.BAD: "bad",
        }
        bold = {
            Role.STRONG: "strong",
            Role.KEY: "accent",
            Role.GOOD_STRONG: "good",
            Role.WARN_STRONG: "warn",
            Role.BAD_STRONG: "bad",
        }
        paper = color["background"]
        return {
            **{role: Style(color=color[name], bgcolor=paper) for role, name in plain.items()},
            **{
                role: Style(color=color[name], bgcolor=paper, bold=True)
                for role, name in bold.items()
            },
            Role.MARKED: Style(color=paper, bgcolor=color["warn"]),
            Role.CHOSEN: Style(color=paper, bgcolor=color["accent"], bold=True),
        }


def themes_dir() -> Path:
    """Beside the package in a wheel, beside the repository's folder in an editable checkout."""
    package = Path(__file__).resolve().parents[2]
    packaged = package / "themes"
    return packaged if packaged.is_dir() else package.parent / "themes"


def load_themes(folder: Path | None = None) -> dict[str, ConsoleTheme]:
    """All themes of the folder by name; a bad file is an error that names it and its fault."""
    found = [load_theme(path) for path in sorted((folder or themes_dir()).glob("*.toml"))]
    return {theme.name: theme for theme in found}


def first_themes(*names: str) -> dict[str, ConsoleTheme]:
    """Those of the shipped themes; a file bears its theme's name."""
    files = [themes_dir() / f"{name}.toml" for name in dict.fromkeys(names)]
    return {file.stem: load_theme(file) for file in files if file.is_file()}


def own_themes_dir() -> Path:
    """Where users keep theirs: `themes` beside the settings."""
    return paths.config_file().parent / "themes"


def load_own_themes(folder: Path) -> tuple[dict[str, ConsoleTheme], list[str]]:
    """The user's themes that can be used, and what is wrong with each of the others."""
    found: dict[str, ConsoleTheme] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            theme = load_theme(path)
            found[theme.name] = theme
        except VConsoleError as error:
            faults.append(f"{path.name}: {error.message.rpartition(': ')[2]}")
    return found, faults


def stamps(folder: Path) -> tuple[tuple[str, int], ...]:
    """Changes with the files of the folder."""
    try:
        return tuple(sorted((entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder)))
    except OSError:
        return ()


def load_theme(path: Path) -> ConsoleTheme:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        colors = {name: str(table["colors"][name]) for name in COLOR_NAMES}
        for color in colors.values():
            Color.parse(color)
        return ConsoleTheme(str(table["name"]), bool(table.get("dark", True)), colors)
    except KeyError as error:
        raise _bad(path, f"{error.args[0]} is missing") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ColorParseError) as error:
        raise _bad(path, str(error)) from error


def _bad(path: Path, fault: str) -> VConsoleError:
    return VConsoleError(
        f"the theme {path} cannot be used: {fault}",
        f"it needs name, dark and [colors] with {', '.join(COLOR_NAMES)}",
    )
