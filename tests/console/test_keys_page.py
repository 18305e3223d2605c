"""The page of keys is what the table of actions says."""

from __future__ import annotations

from pathlib import Path

from vconsole.tui.actions import ACTIONS
from vconsole.tui.keys import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "make it anew: see its first line"


def test_every_action_is_on_the_page() -> None:
    assert all(f"| `{action.id}` |" in as_markdown() for action in ACTIONS)
