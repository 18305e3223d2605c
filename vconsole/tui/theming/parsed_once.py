"""A style sheet that keeps what it has parsed for as long as its variables stay the same.

Textual 8.2.8 parses every sheet anew when a screen brings one of its own and when the theme is set,
also where neither changes what the others say; that was a sixth of the console's first paint.
"""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class ParsedOnce(Stylesheet):
    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is new; all of it after other variables, which empty the cache."""
        self.parse()
