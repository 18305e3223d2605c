"""What has arrived of one answer, as events with the times of a client beside the server."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from vconsole.engine.http.client import EngineGoneError
from vconsole.engine.http.protocol import BROKEN_OFF, Choice, Reply, Usage, error_text
from vconsole.requests.messages import AskEvent


class Answer:
    """Begins when the request is sent; `samples` of them have to be finished by the server."""

    def __init__(self, samples: int, streamed: bool) -> None:
        self._streamed = streamed
        self._sent_s = perf_counter()
        self._first_piece_s: float | None = None
        self._first_text_s: float | None = None
        self._last_piece_s = self._sent_s
        self._pauses_s: list[float] = []
        self._sample_piece_s: dict[int, float] = {}
        self._finish_reasons: list[str | None] = [None] * samples
        self._usage = Usage()

    def take(self, reply: Reply) -> Iterator[AskEvent]:
        """The events of one piece; raises where the server broke off in mid-stream."""
        now_s = perf_counter()
        if reply.error is not None:
            raise EngineGoneError(
                f"the server broke off the answer: {error_text(reply.error)}",
                "see why: vconsole status, vconsole logs",
                kind="gone",
            )
        self._usage = reply.usage or self._usage
        if not reply.choices:
            return
        self._first_piece_s = self._first_piece_s or now_s
        self._last_piece_s = now_s
        for choice in reply.choices:
            yield from self._pieces(choice, now_s)

    def _pieces(self, choice: Choice, now_s: float) -> Iterator[AskEvent]:
        sample = choice.index
        if choice.finish_reason and sample < len(self._finish_reasons):
            self._finish_reasons[sample] = choice.finish_reason
        events = [
            AskEvent(kind, text, sample=sample)
            for kind, text in (("reasoning", choice.thinking), ("text", choice.content))
            if text
        ]
        events += [
            AskEvent("tool_call", call.arguments, sample=sample, call=call.index, tool=call.name)
            for call in choice.tool_calls
        ]
        if events:
            self._first_text_s = self._first_text_s or now_s
            before_s = self._sample_piece_s.get(sample)
            if before_s is not None:
                self._pauses_s.append(now_s - before_s)
            self._sample_piece_s[sample] = now_s
        yield from events

    def done(self) -> AskEvent:
        """The figures of a whole answer; raises where it is not whole."""
        if None in self._finish_reasons:
            raise EngineGoneError("the server ended the answer before it was complete", kind="gone")
        if broken := BROKEN_OFF.intersection(filter(None, self._finish_reasons)):
            raise EngineGoneError(
                f"the server cut the answer off (finish reason {min(broken)}): it is not whole",
                "it is being stopped, or in trouble: vconsole status, vconsole logs",
                kind="gone",
            )
        first_s = self._first_text_s if self._streamed else None
        rate = self._streamed_rate() if self._streamed else self._whole_rate()
        return AskEvent(
            "done",
            finish_reason=self._finish_reasons[0],
            finish_reasons=tuple(self._finish_reasons),
            prompt_tokens=self._usage.prompt_tokens,
            completion_tokens=self._usage.completion_tokens,
            cached_tokens=self._usage.cached_tokens,
            ttft_ms=None if first_s is None else (first_s - self._sent_s) * 1000,
            total_ms=(perf_counter() - self._sent_s) * 1000,
            tokens_per_s=rate,
            itl_ms=len(self._finish_reasons) * 1000 / rate if self._streamed and rate else None,
            itl_p95_ms=self._slow_pause_ms(),
        )

    def _streamed_rate(self) -> float | None:
        """Tokens after the first ones over the time that they took: prefill is not in it."""
        tokens, first_s = self._usage.completion_tokens, self._first_piece_s
        firsts = len(self._finish_reasons)
        if tokens is None or tokens <= firsts or first_s is None or self._last_piece_s <= first_s:
            return None
        return (tokens - firsts) / (self._last_piece_s - first_s)

    def _whole_rate(self) -> float | None:
        tokens, seconds = self._usage.completion_tokens, self._last_piece_s - self._sent_s
        return None if tokens is None or seconds <= 0 else tokens / seconds

    def _slow_pause_ms(self) -> float | None:
        """The pause that 95 of a hundred are at most as long as (nearest rank)."""
        pauses_s = sorted(self._pauses_s)
        if not pauses_s:
            return None
        return pauses_s[-(-95 * len(pauses_s) // 100) - 1] * 1000
