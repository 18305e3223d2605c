"""The form of a profile as data: fields with their values, searched, changed, checked.

The profile's own keys come as fields too, so that one list has everything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vconsole.engine.options.checking import Fault, faults
from vconsole.engine.options.option import EngineOption, EngineOptions
from vconsole.models.option_search import matching
from vconsole.models.profile_flags import shown, value_of
from vconsole.models.profiles import Profile
from vconsole.tui.forms.own_fields import OWN, OWN_NAMES, text_of, with_text

# What vconsole gives itself: a profile has its own keys for these.
OURS = frozenset({"--host", "--port", "--served-model-name", "--model", "--api-key", "--hf-token"})


@dataclass(frozen=True, slots=True)
class FormRow:
    """A field: `value` is what the profile says, None where it leaves it to vLLM."""

    option: EngineOption
    value: str | None
    fault: str | None = None


class FlagForm:
    """A profile while it is edited, against the options of one engine."""

    def __init__(self, profile: Profile, options: EngineOptions) -> None:
        self.profile = profile
        self.before = profile
        self.options = options
        self.search = ""
        self.offered: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.profile != self.before

    def rows(self) -> tuple[FormRow, ...]:
        """The fields that match the search: those with a value first, unknown ones before all."""
        faulty = {fault.flag: fault for fault in self.faults()}
        known = [*OWN, *(o for o in self.options.options if o.name not in OURS)]
        unknown = [
            EngineOption((fault.flag,), group="unknown")
            for fault in faulty.values()
            if self.options.by_name.get(fault.flag) is None
        ]
        set_ones = {f"--{name}" for name in self.profile.flags} | {
            option.name for option in OWN if text_of(self.profile, option.name) is not None
        }
        found = matching([*unknown, *known], self.search, set_ones)
        rows = [self._row(option, faulty) for option in found]
        return tuple(sorted(rows, key=lambda row: row.fault is None))

    def faults(self) -> tuple[Fault, ...]:
        """What this engine would refuse."""
        return faults(self.options, self.profile.arguments())

    def put(self, option: EngineOption, text: str) -> None:
        """Give a field what was typed; an empty text leaves it to vLLM.

        A VConsoleError where a field of the profile's own cannot take it.
        """
        if option.name in OWN_NAMES:
            self.profile = with_text(self.profile, option.name, text)
            return
        value = value_of(text, option.kind) if text.strip() else None
        flags = dict(self.profile.flags)
        flags.pop(option.name.removeprefix("--"), None)
        if value is not None:
            flags[option.name.removeprefix("--")] = value
        self.profile = replace(self.profile, flags=flags)

    def turn(self, option: EngineOption) -> None:
        """A switch goes on from unset to on, to off, to unset."""
        current = self._row(option, {}).value
        following = {None: "true", "true": "false", "false": ""}[current]
        if option.name in OWN_NAMES:
            usual = option.default or "false"
            following = "" if current else ("false" if usual == "true" else "true")
        self.put(option, following)

    def beginning(self, row: FormRow) -> str:
        """What the field for a value begins with: what is said, else the fallbacks offered."""
        is_offered = row.option.name == "fallback" and row.value is None
        return " ".join(self.offered) if is_offered else row.value or ""

    def _row(self, option: EngineOption, faulty: dict[str, Fault]) -> FormRow:
        fault = faulty.get(option.name)
        why = fault.why + (f": is it {fault.closest}?" if fault.closest else "") if fault else None
        if option.name in OWN_NAMES:
            return FormRow(option, text_of(self.profile, option.name), why)
        value = self.profile.flags.get(option.name.removeprefix("--"))
        return FormRow(option, None if value is None else shown(value), why)
