"""The keymap of the settings, checked against the table of actions: what holds, and what is wrong.

A fault takes one action back to its built-in keys; the rest applies.
"""

from __future__ import annotations

import string

from textual.keys import Keys, _character_to_key

from vconsole.settings import Table
from vconsole.tui.actions import ACTIONS, BY_ID, KEY_NAMES, Action

MODIFIERS = ("ctrl+", "shift+", "alt+")
NAMES = {key.value for key in Keys if not key.value.startswith("<")} | {
    _character_to_key(character) for character in string.punctuation
}
WRITTEN = {shown: name for name, shown in KEY_NAMES.items()}
# What moves about, leaves a dialog or goes into a field, whatever the keymap says.
FIXED = frozenset({"tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown"})
FIXED |= {"ctrl+c", "backspace", "delete"}
FIXED_ON = {"logs": frozenset("jkg") | {"home"}, "events": frozenset("jkg") | {"home"}}
# A dangerous key must not be the one that confirms, nor the one that cancels.
ANSWERS = frozenset({"y", "n", "q", "enter", "escape"})


def checked(wanted: Table) -> tuple[Table, list[str]]:
    """The part of `wanted` that can hold, in Textual's names of keys, and a sentence per fault."""
    faults: list[str] = []
    good: dict[str, tuple[str, ...]] = {}
    for id, words in wanted.items():
        keys = tuple(_key(word) for word in words)
        if (fault := _fault(id, words, keys)) is not None:
            faults.append(fault)
        else:
            good[id] = tuple(key for key in keys if key is not None)
    faults += _without_clashes(good)
    return good, faults


def _key(word: str) -> str | None:
    """Textual's name of a key as people write it: `/`, `slash`, `esc`, `ctrl+x`; None of none."""
    word = WRITTEN.get(word, word)
    if len(word) == 1 and word.isprintable() and not word.isspace():
        return word if word.isalnum() else _character_to_key(word)
    base = word
    for modifier in MODIFIERS:
        base = base.removeprefix(modifier)
    known = word in NAMES or base in NAMES or (base != word and len(base) == 1)
    return word if known else None


def _fault(id: str, words: tuple[str, ...], keys: tuple[str | None, ...]) -> str | None:
    """What is wrong with one entry by itself."""
    if id not in BY_ID:
        return f"{id}: there is no such action"
    action = BY_ID[id]
    for word, key in zip(words, keys, strict=True):
        if key is None:
            return f"{id}: {word} is no key"
        if key in FIXED or key in FIXED_ON.get(action.screen or "", ()):
            return f"{id}: {word} is taken"
        if action.danger and key in ANSWERS:
            return f"{id}: {word} answers its question and cannot ask it"
    return None


def _without_clashes(good: dict[str, tuple[str, ...]]) -> list[str]:
    """Take back, the later first, what would give one key two meanings on one screen."""
    faults: list[str] = []
    while (clash := _clash(good)) is not None:
        key, first, second = clash
        order = list(good)
        changed = [action.id for action in (first, second) if action.id in good]
        back = max(changed, key=order.index)
        other = first.id if back == second.id else second.id
        faults.append(f"{back}: {KEY_NAMES.get(key, key)} is {other} already")
        del good[back]
    return faults


def _clash(good: Table) -> tuple[str, Action, Action] | None:
    holders: dict[str, list[Action]] = {}
    for action in ACTIONS:
        for key in good.get(action.id, action.keys):
            for other in holders.get(key, ()):
                alone = None in (action.screen, other.screen) or action.screen == other.screen
                if alone:
                    return key, other, action
            holders.setdefault(key, []).append(action)
    return None
