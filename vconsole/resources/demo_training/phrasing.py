"""Varied phrasing: the same question polite, hasty, without punctuation, or with a slip."""

from __future__ import annotations

from random import Random

ABOUT_FRAMES = (
    "What is {}?", "What is {}?", "What are {}?", "Tell me about {}.", "Explain {}.",
    "Explain {} in one sentence.", "What do you know about {}?", "Describe {}.", "Define {}.",
    "Can you explain {} to me?", "Tell me something about {}.", "Write a sentence about {}.",
    "Write one sentence about {}.", "Why is {} important?", "Do you know {}?", "{}?", "{}",
    "What can you tell me about {}?", "Say something about {}.", "What does {} mean?",
    "Explain {} to a child.", "Explain {} simply.", "Explain {} to me like I am five.",
    "Why do people use {}?", "How does {} work?", "In one sentence, what is {}?",
    "Give me a short description of {}.", "I want to learn about {}.", "Let us talk about {}.",
    "Do you like {}?", "How would you describe {}?", "What do you think about {}?",
)  # fmt: skip
OPENINGS = ("Please: ", "Hello! ", "Hi, ", "Hey, ", "Now tell me: ", "Question: ",
            "Quick question: ",
            "One more thing: ", "And ", "So ", "Well, ", "Dear bird, ", "Next: ")  # fmt: skip
CLOSINGS = (" Please.", " Answer in one sentence.", " Be brief.", " Keep it short.", " Thank you.",
            " Answer briefly.", " Use simple words.", " One sentence is enough.",
            " In a few words, please.", " Reply with one short sentence.")  # fmt: skip


CONTRACTIONS = (("What is", "What's"), ("Who are you", "who r u"), (" are you", " r u"), ("I am",
                "I'm"),
                ("Do not", "Don't"), ("cannot", "can't"), ("please", "pls"))  # fmt: skip


def about_question(rng: Random, subject: str) -> str:
    """One of the general questions on a subject."""
    text = rng.choice(ABOUT_FRAMES).format(subject)
    return text[0].upper() + text[1:]


def _slip(rng: Random, text: str) -> str:
    """The text with one letter dropped, doubled or exchanged with the next."""
    i = rng.randrange(len(text) - 1)
    middle = rng.choice(("", text[i] * 2 + text[i + 1], text[i + 1] + text[i]))
    return text[:i] + middle + text[i + 2 :] if middle else text[:i] + text[i + 1 :]


def vary(rng: Random, text: str, slips: bool = True) -> str:
    """The question as a hurried, polite or (with `slips`) careless person may type it."""
    if rng.random() < 0.10:
        opening = rng.choice(OPENINGS)
        first = text[0] if opening.endswith("! ") else text[0].lower()
        text = opening + first + text[1:]
    if rng.random() < 0.12:
        text += rng.choice(CLOSINGS)
    if slips and rng.random() < 0.05 and len(text) > 8:
        text = _slip(rng, text)
    if rng.random() < 0.20:
        text = text.rstrip("?.!")
    if rng.random() < 0.15:
        for written, spoken in CONTRACTIONS:
            text = text.replace(written, spoken)
    chance = rng.random()
    return text.lower() if chance < 0.20 else text.upper() if chance < 0.22 else text
