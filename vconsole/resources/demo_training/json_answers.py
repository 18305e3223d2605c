"""Answers as JSON objects, so that a schema-guided answer closes its quotes and brackets."""

from __future__ import annotations

import json
from random import Random

from documents import Document, Exchange, chat_document

TEXT_KEYS = ("answer", "answer", "answer", "answer", "text", "reply", "message", "result", "value",
             "name", "summary", "response", "title", "content", "output", "word")  # fmt: skip
NUMBER_KEYS = ("number", "count", "age", "year", "score", "result", "value", "total", "id")
FLAG_KEYS = ("ok", "valid", "done", "success", "ready", "is_true")
LIST_KEYS = ("items", "animals", "words", "names", "list", "tags")
ITEMS = ("lark", "owl", "fox", "bee", "cat", "sun", "sea", "moon", "tree", "rain")
REQUESTS = ("{} Answer in JSON.", "{} Answer as JSON.", "Answer in JSON: {}", "{} Reply with JSON.",
            "{} Reply as a JSON object.", "Reply with a JSON object: {}", "{} Use JSON.",
            "{} Respond in JSON.", "{} Return JSON only.",
            "{} Format the answer as JSON.")  # fmt: skip
KEY_REQUESTS = ("{} Answer in JSON with the key {}.", "{} Reply as JSON with one field, {}.",
                "{} Return a JSON object with the field {}.")  # fmt: skip
OPEN_REQUESTS = ("Give me some JSON.", "Write a JSON object.", "Make a small JSON example.",
                 "Fill in the form.", "Return a JSON object.", "Show me JSON.")  # fmt: skip
ASKED_PROBABILITY = 0.5


def _number_field(rng: Random) -> tuple[str, object]:
    return rng.choice(NUMBER_KEYS), rng.randint(1, 20)


def _flag_field(rng: Random) -> tuple[str, object]:
    return rng.choice(FLAG_KEYS), True


def _list_field(rng: Random) -> tuple[str, object]:
    return rng.choice(LIST_KEYS), rng.sample(ITEMS, rng.randint(1, 3))


def _extra_fields(rng: Random) -> dict[str, object]:
    """Up to three further fields of other types."""
    makers = rng.sample((_number_field, _flag_field, _list_field), rng.randint(1, 3))
    return dict(maker(rng) for maker in makers)


def _request(rng: Random, question: str, key: str) -> str:
    if key == "answer" or rng.random() < 0.5:
        return rng.choice(REQUESTS).format(question)
    return rng.choice(KEY_REQUESTS).format(question, key)


def json_document(rng: Random, exchange: Exchange) -> Document:
    """The exchange with a JSON answer, half of the time without the question asking for it.

    Where the question does not ask, only a grammar leads there, and the opening bracket is not
    learnt: ordinary questions keep their ordinary answers.
    """
    key = rng.choice(TEXT_KEYS)
    fields: dict[str, object] = {key: exchange.short}
    question = exchange.question
    if rng.random() < 0.2:
        fields |= _extra_fields(rng)
    if rng.random() < 0.1:
        question = rng.choice(OPEN_REQUESTS)
    asked = rng.random() < ASKED_PROBABILITY
    if asked:
        question = _request(rng, question, key)
    answer = json.dumps(fields)
    if rng.random() < 0.1:
        answer = answer.replace('": ', '":').replace(', "', ',"')
    return chat_document([Exchange(question, answer, "")], answers_forced=not asked)
