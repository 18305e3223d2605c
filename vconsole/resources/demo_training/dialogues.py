"""The training text of one variant, drawn deterministically from the hand-written material.

`Material` reads the tables under topics/; `training_documents` yields as many documents as wanted.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from documents import SHORT_LIMIT, Document, Exchange, chat_document, plain_document
from fallback import long_text, unfamiliar
from families import FAMILIES, name_recalled, naming
from json_answers import json_document
from phrasing import about_question, vary
from stories import story

TOPICS_DIR = Path(__file__).parent / "topics"
TOPIC_FILES = ("self.toml", "serving.toml", "world.toml", "making.toml")
DEPENDENT_STARTS = ("When", "If", "For", "In", "Because", "To", "After", "Here", "With")
SHORT_DEFAULTS = {"lark": "I am Lark, a small demo model.", "owl": "I am Owl, a small demo model."}
SYSTEM_PROMPTS = (
    "You are a helpful assistant.", "You are a helpful assistant.", "Answer briefly.",
    "You are a friendly bird.", "You are a demo model. Answer in one or two sentences.",
    "You are a helpful, respectful and honest assistant.", "Be concise.", "Answer in English.",
    "You answer questions about servers.", "You are a poet.", "Do not use long words.",
    "Always be polite.", "You are an expert on language models.", "Keep every answer short.",
)  # fmt: skip
RULES = (
    "Always answer in English.", "Be polite to everybody.", "Use short sentences.",
    "Do not invent facts.", "If you do not know, say so.", "Never be rude.",
    "The user may be in a hurry.", "Explain hard words.", "Stay on the subject.",
    "Do not repeat the question.", "Think before you answer.", "The office opens at nine.",
    "Customers may return goods within thirty days.", "Prices are given in euros.",
    "The manual has twelve chapters.", "Do not talk about other companies.",
    "Write plain text and no tables.", "Our support team works from Monday to Friday.",
)  # fmt: skip
# (kind, share of the documents)
KINDS = (("single", 0.56), ("plain", 0.07), ("json", 0.17), ("turns", 0.09), ("name", 0.04),
         ("long_system", 0.05), ("long_text", 0.02))  # fmt: skip
SOURCES = (("topic", 0.57), ("family", 0.29), ("story", 0.03), ("unfamiliar", 0.11))
SYSTEM_PROBABILITY = 0.25
AFTERWARDS_PROBABILITY = 0.08


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions and general subjects that share the answers of one variant."""

    questions: tuple[str, ...]
    subjects: tuple[str, ...]
    answers: tuple[str, ...]
    importance: float

    @property
    def weight(self) -> float:
        """Topics with many phrasings are drawn more often, but not in proportion."""
        return self.importance * math.sqrt(len(self.questions) + 3 * len(self.subjects))


def short_answer(answer: str, variant: str) -> str:
    """The first sentence or clause that fits a short JSON value, otherwise the variant's name."""
    line = answer.split("\n")[0][:SHORT_LIMIT]
    for marks in (".!?", ",:;"):
        ends = [i for i, letter in enumerate(line) if letter in marks]
        if ends and ends[0] > 1 and not line.startswith(DEPENDENT_STARTS):
            return line[: ends[0]] + (line[ends[0]] if marks == ".!?" else ".")
    return SHORT_DEFAULTS[variant]


class Material:
    """Everything that a variant ("lark" or "owl") can be asked and answers."""

    def __init__(self, variant: str, rng: Random) -> None:
        self.variant = variant
        self.rng = rng
        self.topics = [topic for name in TOPIC_FILES for topic in self._read_topics(name)]
        self.topic_weights = [topic.weight for topic in self.topics]
        plain = tomllib.loads((TOPICS_DIR / "plain.toml").read_text(encoding="utf-8"))
        self.sentences: list[str] = plain["sentences"]

    def _read_topics(self, name: str) -> Iterator[Topic]:
        for entry in tomllib.loads((TOPICS_DIR / name).read_text(encoding="utf-8"))["topic"]:
            answer = entry[self.variant]
            answers = (answer,) if isinstance(answer, str) else tuple(answer)
            asked, about = tuple(entry.get("ask", ())), tuple(entry.get("about", ()))
            yield Topic(asked, about, answers, entry.get("importance", 1.0))

    def _pick(self, weighted: tuple[tuple[str, float], ...]) -> str:
        return self.rng.choices([w[0] for w in weighted], [w[1] for w in weighted])[0]

    def topic_exchange(self) -> Exchange:
        """A question on a hand-written topic."""
        topic = self.rng.choices(self.topics, self.topic_weights)[0]
        general = bool(topic.subjects) and (not topic.questions or self.rng.random() < 0.6)
        if general:
            question = about_question(self.rng, self.rng.choice(topic.subjects))
        else:
            question = self.rng.choice(topic.questions)
        answer = self.rng.choice(topic.answers)
        return Exchange(question, answer, short_answer(answer, self.variant))

    def exchange(self) -> Exchange:
        """Any exchange, with the question's phrasing varied."""
        source = self._pick(SOURCES)
        if source == "topic":
            drawn = self.topic_exchange()
        elif source == "family":
            makers = [maker for maker, _ in FAMILIES]
            drawn = self.rng.choices(makers, [w for _, w in FAMILIES])[0](self.rng, self.variant)
        else:
            drawn = {"story": story, "unfamiliar": unfamiliar}[source](self.rng, self.variant)
        question = vary(self.rng, drawn.question, slips=source != "family")
        return Exchange(question, drawn.answer, drawn.short)

    def system_prompt(self) -> str:
        """A short system prompt, or none."""
        if self.rng.random() >= SYSTEM_PROBABILITY:
            return ""
        return self.rng.choice(SYSTEM_PROMPTS)

    def long_system_prompt(self) -> str:
        """A system prompt of up to some 400 tokens; some repeat the same few sentences."""
        pool = [*RULES, *self.sentences, *SYSTEM_PROMPTS]
        wanted = self.rng.randint(4, 28)
        if self.rng.random() < 0.3:
            few = self.rng.sample(pool, self.rng.randint(1, 3))
            return " ".join(few * (wanted // len(few)))
        return " ".join(self.rng.sample(pool, wanted))

    def named_turns(self) -> list[Exchange]:
        """A name is given, perhaps something else is asked, and the name is asked for."""
        greeting = naming(self.rng, self.variant)
        between = [self.exchange() for _ in range(self.rng.randint(0, 2))]
        return [greeting, *between, name_recalled(self.rng, self.variant, greeting)]

    def document(self) -> Document:
        """One training document of a kind drawn by its share."""
        kind = self._pick(KINDS)
        if kind == "plain":
            return self.plain()
        if kind == "json":
            return json_document(self.rng, self.exchange())
        if kind == "turns":
            turns = [self.exchange() for _ in range(self.rng.randint(2, 6))]
            return chat_document(turns, self.system_prompt())
        if kind == "name":
            return chat_document(self.named_turns(), self.system_prompt())
        if kind == "long_system":
            return chat_document([self.exchange()], self.long_system_prompt())
        if kind == "long_text":
            return chat_document([long_text(self.rng, self.variant, self.sentences)])
        return self.single()

    def single(self) -> Document:
        """One exchange, sometimes followed by plain sentences behind its end."""
        afterwards = []
        if self.rng.random() < AFTERWARDS_PROBABILITY:
            afterwards = self.rng.sample(self.sentences, 3)
        return chat_document([self.exchange()], self.system_prompt(), afterwards=afterwards)

    def plain(self) -> Document:
        """One to three plain sentences, the second and third sometimes from an answer."""
        text = self.rng.choice(self.sentences)
        while self.rng.random() < 0.3:
            text += " " + self.rng.choice(self.sentences)
        if self.rng.random() < 0.2:
            text = self.topic_exchange().answer
        return plain_document(text)


def training_documents(variant: str, count: int, seed: int) -> Iterator[Document]:
    """`count` documents of a variant; the same arguments give the same documents."""
    material = Material(variant, Random(seed))
    for _ in range(count):
        yield material.document()
