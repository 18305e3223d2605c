"""Which things are there, where a blink is neither an appearance nor a disappearance. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Presence(Generic[K, V]):
    """Feed it what is seen; a thing counts once seen for `begin_after_s` without a break,

    and no longer once unseen for `end_after_s`. Instants are seconds of the caller's clock.
    """

    def __init__(self, begin_after_s: float = 0.0, end_after_s: float = 0.0) -> None:
        self._begin_after_s = begin_after_s
        self._end_after_s = end_after_s
        self._first_s: dict[K, float] = {}
        self._there: dict[K, tuple[float, V]] = {}

    @property
    def there(self) -> frozenset[K]:
        return frozenset(self._there)

    def observe(self, now_s: float, seen: Mapping[K, V]) -> tuple[dict[K, V], dict[K, V]]:
        """What appeared and what left since the last call, each as it was last seen."""
        self._first_s = {
            key: self._first_s.get(key, now_s) for key in seen if key not in self._there
        }
        appeared = {
            key: seen[key]
            for key, first_s in self._first_s.items()
            if now_s - first_s >= self._begin_after_s
        }
        for key in appeared:
            del self._first_s[key]
        for key, value in seen.items():
            if key in appeared or key in self._there:
                self._there[key] = (now_s, value)
        left = {
            key: value
            for key, (last_s, value) in self._there.items()
            if key not in seen and now_s - last_s >= self._end_after_s
        }
        for key in left:
            del self._there[key]
        return appeared, left
