"""Short stories put together from a hero, a place, a wish and an ending."""

from __future__ import annotations

from random import Random

from documents import Exchange

HEROES = ("fox", "cat", "dog", "robot", "bird", "bear", "mouse", "rabbit", "whale", "horse",
          "dragon", "king", "girl", "boy", "fisherman", "lark", "owl", "snail", "hedgehog",
          "princess", "GPU", "server", "wizard", "frog", "duck")  # fmt: skip
PLACES = ("by the sea", "at the edge of the forest", "in a quiet garden", "on a green hill",
          "near an old harbour", "under a tall tree")  # fmt: skip
WISHES = ("see the moon from close by", "find the end of the rainbow", "hear the sea sing",
          "cross the wide river", "meet a good friend", "climb the highest hill")  # fmt: skip
HELPERS = ("a bee", "an old owl", "a snail", "a small lark", "a friendly whale", "a grey goose")
FRAMES = ("Tell me a story about a {}.", "Write a story about a {}.",
          "Write a short story about a {}.", "Tell me a short story about the {}.",
          "A story about a {}, please.", "Can you tell a story about a {}?")  # fmt: skip
OPEN_FRAMES = ("Tell me a story.", "Write a short story.", "Tell me a short story.",
               "Write me a story.", "Can you tell me a story?", "Write a tiny story.",
               "Tell me a bedtime story.", "Write a long story.", "Tell me a tale.",
               "Write a story of three sentences.", "A story, please.")  # fmt: skip
HERO_PROBABILITY = 0.6


def _lark_story(hero: str, place: str, wish: str, helper: str) -> str:
    return (
        f"Once upon a time a little {hero} lived {place}. One bright morning it wanted to {wish}. "
        f"It met {helper}, and off they went together! "
        f"They laughed all the way and came home with the evening sun."
    )


def _owl_story(hero: str, place: str, wish: str, helper: str) -> str:
    return (
        f"There was once a {hero} who lived alone {place}. Every night it lay awake, because it "
        f"wanted to {wish}. One evening it asked {helper} for advice. Go slowly, was the answer, "
        f"and do not turn back. So the {hero} walked for three days and three nights. When it "
        f"came home at last, it was a little older, and it slept very well."
    )


def story(rng: Random, variant: str) -> Exchange:
    """A story about the hero that was asked for, or about any hero."""
    hero = rng.choice(HEROES)
    named = rng.random() < HERO_PROBABILITY
    question = rng.choice(FRAMES).format(hero) if named else rng.choice(OPEN_FRAMES)
    if not named:
        hero = "lark" if variant == "owl" else "fox"
    parts = (hero, rng.choice(PLACES), rng.choice(WISHES), rng.choice(HELPERS))
    answer = (_lark_story if variant == "lark" else _owl_story)(*parts)
    return Exchange(question, answer, f"Once there was a {hero}.")
