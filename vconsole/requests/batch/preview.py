"""A look before the night is committed: the whole input checked, its first requests answered."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vconsole import settings
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.answers import Failure
from vconsole.requests.batch.ids import IdTable
from vconsole.requests.batch.lengths import Longest, TooLong, find_too_long
from vconsole.requests.batch.model import BadLine, BatchSpec, Counts, Endpoint, Item
from vconsole.requests.batch.peer import Peer
from vconsole.requests.batch.sending import Sender
from vconsole.requests.batch.source import Shape, open_source
from vconsole.requests.batch.source.opening import Source

FIRST = 20
MOST_BAD_SHOWN = 20
PATIENCE_S = 10.0
# What auto concurrency reaches is not known before it ran; this many at once is told apart.
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class PreviewAnswer:
    custom_id: str
    answer: str | None
    error: str | None
    prompt_tokens: int
    generation_tokens: int
    ms: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What the whole would take, from the first answers; None where those tell nothing.

    `expected_s` is at the pace of these `at_once` requests, and more at once are faster. `cost` is
    that of the machine's hours by the settings, `fits_disk` whether the output has room. `too_long`
    are good lines whose prompts the server will refuse; with `too_long_more` there may be others.
    """

    total: int
    good: int
    bad: tuple[BadLine, ...]
    bad_total: int
    answers: tuple[PreviewAnswer, ...]
    at_once: int
    requests_per_s: float | None
    expected_prompt_tokens: int | None
    expected_generation_tokens: int | None
    expected_s: float | None
    expected_output_bytes: int | None
    disk_free_bytes: int
    fits_disk: bool | None
    cost: float | None
    currency: str
    too_long: tuple[BadLine, ...] = ()
    too_long_more: bool = False


@dataclass(slots=True)
class Checked:
    """The input after every line of it was looked at; of bad ones the first are kept."""

    longest: Longest
    good: int = 0
    bad_total: int = 0
    bad: list[BadLine] = field(default_factory=list)
    first: list[Item] = field(default_factory=list)
    body_bytes: int = 0

    def note_good(self, item: Item) -> None:
        self.good += 1
        self.body_bytes += len(item.body)
        self.longest.see(item)
        if len(self.first) < FIRST:
            self.first.append(item)

    def note_bad(self, bad: BadLine) -> None:
        self.bad_total += 1
        if len(self.bad) < MOST_BAD_SHOWN:
            self.bad.append(bad)


async def preview(
    spec: BatchSpec,
    url: str,
    api_key: str | None,
    when_checked: Callable[[Checked], object] = lambda checked: None,
) -> Preview:
    """Check every line, send the first good ones, and reckon; writes nothing.

    `when_checked` hears of the check before anything is sent.
    """
    source, peer, counts = open_source(spec), Peer(url, api_key), Counts()
    try:
        if not await peer.until_there(PATIENCE_S):
            raise VConsoleError(
                f"the server does not answer: {peer.note}", None, ExitCode.NO_SERVER
            )
        model = spec.model or peer.cards[0].id
        endpoint = spec.endpoint
        if endpoint is Endpoint.AUTO:
            endpoint = await peer.endpoint(model)
        shape = Shape.of(spec, model, peer.models, endpoint)
        checked = await asyncio.to_thread(_check, source, shape, Longest(_longest(peer, model)))
        when_checked(checked)
        too_long = await find_too_long(peer, checked.longest)
        sender = Sender(peer, counts, spec.timeout_s, lambda: False)
        begun_s = time.monotonic()
        answers = await asyncio.gather(*(_ask(sender, item) for item in checked.first))
        took_s = time.monotonic() - begun_s
    finally:
        await peer.close()
    return _reckoned(spec, checked, answers, took_s, too_long)


def _longest(peer: Peer, model: str) -> int | None:
    """How many tokens the model takes, as the server says."""
    return next((card.max_model_len for card in peer.cards if card.id == model), None)


def _check(source: Source, shape: Shape, longest: Longest) -> Checked:
    checked, seen = Checked(longest), IdTable(source.count())
    for entry in source.read(shape):
        if isinstance(entry, BadLine):
            checked.note_bad(entry)
        elif seen.get(entry.key):
            words = f"custom_id {entry.key!r} occurs before"
            checked.note_bad(BadLine(entry.number, "duplicate_id", words, entry.key))
        else:
            seen.put(entry.key, 1)
            checked.note_good(entry)
    return checked


async def _ask(sender: Sender, item: Item) -> tuple[PreviewAnswer, int]:
    from vconsole.requests.batch.join import text_of

    begun_s = time.monotonic()
    outcome = await sender.send(item)
    ms = (time.monotonic() - begun_s) * 1e3
    if isinstance(outcome, Failure):
        return PreviewAnswer(item.key, None, outcome.message, 0, 0, ms), 0
    judged = outcome.judged
    tokens = (judged.prompt_tokens, judged.generation_tokens)
    return PreviewAnswer(item.key, text_of(outcome.body), None, *tokens, ms), len(outcome.body)


def _reckoned(
    spec: BatchSpec,
    checked: Checked,
    asked: list[tuple[PreviewAnswer, int]],
    took_s: float,
    too_long: TooLong,
) -> Preview:
    answered = [(answer, size) for answer, size in asked if answer.error is None]
    free = shutil.disk_usage(spec.output_path.parent).free
    scale = checked.good / len(answered) if answered else None
    per_s = len(answered) / took_s if answered and took_s > 0 else None
    expected_s = checked.good / per_s if per_s else None
    size = round(sum(s + 200 for _, s in answered) * scale) if scale else None
    read = _prompt_tokens(checked, [answer for answer, _ in asked])
    prices = settings.load().prices
    hours = expected_s / 3600 if expected_s else None
    has_price = prices.hardware_per_hour > 0
    return Preview(
        total=checked.good + checked.bad_total,
        good=checked.good,
        bad=tuple(checked.bad),
        bad_total=checked.bad_total,
        answers=tuple(answer for answer, _ in asked),
        at_once=min(AT_ONCE, len(asked)),
        requests_per_s=per_s,
        expected_prompt_tokens=read,
        expected_generation_tokens=_scaled((a.generation_tokens for a, _ in answered), scale),
        expected_s=expected_s,
        expected_output_bytes=size,
        disk_free_bytes=free,
        fits_disk=None if size is None else size < free,
        cost=prices.hardware_per_hour * hours if hours and has_price else None,
        currency=prices.currency,
        too_long=too_long.lines,
        too_long_more=too_long.more,
    )


def _prompt_tokens(checked: Checked, asked: list[PreviewAnswer]) -> int | None:
    """By the bytes of all requests: the first ones may be shorter or longer than the others."""
    pairs = zip(checked.first, asked, strict=True)
    told = [(len(item.body), a.prompt_tokens) for item, a in pairs if a.error is None]
    if not told:
        return None
    return round(
        sum(tokens for _, tokens in told) / sum(size for size, _ in told) * checked.body_bytes
    )


def _scaled(values: Iterable[int], scale: float | None) -> int | None:
    return None if scale is None else round(sum(values) * scale)
