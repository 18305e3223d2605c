"""What is left to send: the requests of the input in its order, less what is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from vconsole.requests.batch.ids import IdTable
from vconsole.requests.batch.model import BadLine, Item
from vconsole.requests.batch.source.shaping import Entry


class Remaining:
    """Requests one by one; `note_bad` is told of each line that makes none.

    `known` are the ids that the journal has; `total` is how many lines there are.
    """

    def __init__(
        self,
        entries: Iterator[Entry],
        known: IdTable,
        total: int,
        note_bad: Callable[[BadLine], Awaitable[None]],
    ) -> None:
        self._entries, self._known, self._note_bad = entries, known, note_bad
        self._seen = IdTable(total)
        self._again: deque[Item] = deque()
        self._exhausted = False

    @property
    def any_left(self) -> bool:
        """Whether `next` may give one still."""
        return bool(self._again) or not self._exhausted

    def put_back(self, item: Item) -> None:
        """One that has no answer yet is sent again before others."""
        self._again.append(item)

    async def next(self) -> Item | None:
        """The next request that is not done; None where there is none at present."""
        if self._again:
            return self._again.popleft()
        for entry in self._entries:
            if isinstance(entry, BadLine):
                await self._note_bad(entry)
            elif self._seen.get(entry.key):
                words = f"custom_id {entry.key!r} occurs before"
                await self._note_bad(BadLine(entry.number, "duplicate_id", words, entry.key))
            else:
                self._seen.put(entry.key, 1)
                if not self._known.get(entry.key):
                    return entry
        self._exhausted = True
        return None
