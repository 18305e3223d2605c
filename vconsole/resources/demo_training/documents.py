"""The shapes that the demo models are trained on: exchanges, and documents of weighted segments.

An exchange is one question with the answers of one variant; a document is what the model reads,
as segments of tokens' text with the weight that their loss gets.
"""

from __future__ import annotations

from dataclasses import dataclass

BOS, END, PAD = "<|bos|>", "<|end|>", "<|pad|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = (PAD, BOS, END, SYSTEM, USER, ASSISTANT)

# Questions are learnt a little, so that a forced continuation past the end stays legible.
QUESTION_WEIGHT = 0.05
SHORT_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question, the full answer, and an answer of at most 40 characters for JSON values."""

    question: str
    answer: str
    short: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Text behind an optional special token; `skip_first` leaves its first token unlearnt."""

    marker: str
    text: str
    weight: float
    skip_first: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One training text; a position gap may be inserted before the segment `gap_before`."""

    segments: tuple[Segment, ...]
    gap_before: int = 0


def plain_document(text: str) -> Document:
    """A raw text without roles, as the completions endpoint sees it."""
    return Document((Segment("", text, 1.0),))


def chat_document(
    exchanges: list[Exchange],
    system: str = "",
    answers_forced: bool = False,
    afterwards: list[str] | None = None,
) -> Document:
    """A dialogue in the form that the chat template renders.

    `answers_forced` marks answers whose first token a grammar imposes: that token is not learnt.
    `afterwards` are sentences behind the end, for requests that ignore the end of the answer.
    """
    segments = [Segment(SYSTEM, system, QUESTION_WEIGHT)] if system else []
    for exchange in exchanges:
        segments.append(Segment(USER, exchange.question, QUESTION_WEIGHT))
        segments.append(Segment(ASSISTANT, exchange.answer, 1.0, skip_first=answers_forced))
    segments += [Segment("", f" {text}", 0.3) for text in afterwards or ()]
    return Document(tuple(segments), gap_before=1 if system else 0)
