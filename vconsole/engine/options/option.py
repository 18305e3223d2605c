"""One option of vLLM's server, and all those of one version."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property

from vconsole.engine.command.flags import Flag

CLOSE = 0.6


@dataclass(frozen=True, slots=True)
class EngineOption:
    """`kind` is `switch`, `int`, `float`, `list` or `text`; the long name comes first.

    `default` is vLLM's own as text, None where it has none or decides later.
    """

    names: tuple[str, ...]
    kind: str = "text"
    choices: tuple[str, ...] = ()
    default: str | None = None
    help: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        longs = [n for n in self.names if n.startswith("--") and not n.startswith("--no-")]
        return (longs or list(self.names))[0]

    @property
    def is_json(self) -> bool:
        """Whether its value is a JSON object, which dotted keys may also give."""
        return "JSON" in self.help


@dataclass(frozen=True)
class EngineOptions:
    """Every option of one engine; `version` is vLLM's."""

    version: str
    options: tuple[EngineOption, ...]

    @cached_property
    def by_name(self) -> dict[str, EngineOption]:
        return {name: option for option in self.options for name in option.names}

    def find(self, flag: Flag) -> EngineOption | None:
        """The option that `flag` means, also by a dotted key or an unambiguous beginning."""
        name = flag.option.partition(".")[0]
        written = flag.name.partition("=")[0].partition(".")[0].replace("_", "-")
        known = self.by_name.get(written) or self.by_name.get(name)
        if known or not written.startswith("--"):
            return known
        # argparse takes abbreviations; an ambiguous one is for vLLM to refuse.
        longer = [option for each, option in self.by_name.items() if each.startswith(written)]
        return longer[0] if longer else None

    def closest(self, name: str) -> str | None:
        """The known option that is written most like `name`."""
        longs = [option.name for option in self.options]
        found = difflib.get_close_matches(name, longs, 1, CLOSE)
        return found[0] if found else None
