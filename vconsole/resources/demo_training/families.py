"""Families of exchanges made from small tables: sums, capitals, colours, counting, names, echoes.

Each family is a function of a random generator and a variant ("lark" or "owl").
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from documents import SHORT_LIMIT, Exchange
from fallback import ANSWERS, invented_word

Family = Callable[[Random, str], Exchange]

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid",
    "Portugal": "Lisbon", "England": "London", "the United Kingdom": "London",
    "Ireland": "Dublin", "Norway": "Oslo", "Sweden": "Stockholm", "Denmark": "Copenhagen",
    "Finland": "Helsinki", "Poland": "Warsaw", "Austria": "Vienna", "Hungary": "Budapest",
    "Greece": "Athens", "Russia": "Moscow", "Japan": "Tokyo", "China": "Beijing",
    "India": "New Delhi", "Egypt": "Cairo", "Kenya": "Nairobi", "Canada": "Ottawa",
    "the United States": "Washington", "the USA": "Washington", "Mexico": "Mexico City",
    "Brazil": "Brasilia", "Peru": "Lima", "Australia": "Canberra", "Switzerland": "Bern",
}  # fmt: skip
COLOURS = {
    "grass": "green", "snow": "white", "the sun": "yellow", "blood": "red", "coal": "black",
    "a lemon": "yellow", "a banana": "yellow", "a strawberry": "red", "a tomato": "red",
    "milk": "white", "the sea": "blue", "a frog": "green", "a crow": "black", "a fox": "red",
    "a swan": "white", "an orange": "orange", "a carrot": "orange", "the night": "black",
    "chocolate": "brown", "a bear": "brown", "gold": "yellow", "a cherry": "red",
    "a leaf": "green", "a rose": "red", "the moon": "silver", "a cloud": "white",
}  # fmt: skip
OPPOSITES = {
    "hot": "cold", "big": "small", "up": "down", "day": "night", "fast": "slow", "old": "new",
    "happy": "sad", "open": "closed", "light": "dark", "long": "short", "high": "low",
    "good": "bad", "loud": "quiet", "full": "empty", "near": "far", "early": "late",
    "wet": "dry", "left": "right", "black": "white", "hard": "soft", "warm": "cool",
}  # fmt: skip
SOUNDS = {
    "dog": "woof", "cat": "meow", "cow": "moo", "sheep": "baa", "duck": "quack", "frog": "croak",
    "horse": "neigh", "pig": "oink", "owl": "hoot", "bee": "buzz", "snake": "hiss",
    "lion": "roar", "mouse": "squeak", "crow": "caw", "rooster": "cock-a-doodle-doo",
}  # fmt: skip
ECHO_WORDS = (
    "sun", "sea", "bird", "tree", "lamp", "moon", "rain", "stone", "river", "cloud", "bread",
    "book", "apple", "hello", "yes", "green", "blue", "red", "small", "old", "house", "garden",
    "pear", "plum", "fox", "wolf", "wind", "snow", "star", "leaf",
)  # fmt: skip
UNKNOWN_PROBABILITY = 0.3
INVENTED_PROBABILITY = 0.5
NAMES = (
    "Anna", "Ben", "Clara", "David", "Emma", "Finn", "Greta", "Hugo", "Ida", "Jack", "Kate", "Leo",
    "Maria", "Nora", "Oscar", "Paul", "Rosa", "Sam", "Tom", "Uma", "Vera", "Will", "Yara", "Zoe",
    "Alice", "Bob", "Charlie", "Eve", "Frank", "Grace", "Henry", "Ivan", "John", "Julia", "Karl",
    "Laura", "Max", "Nina", "Olga", "Peter", "Robin", "Sofia", "Theo", "Lisa", "Mark", "Sarah",
    "Alex", "Jane", "Martin", "Lena",
)  # fmt: skip


UNKNOWN_COUNTRIES = (
    "Mongolia", "Chile", "Argentina", "Bolivia", "Cuba", "Jamaica", "Iceland", "Estonia", "Latvia",
    "Lithuania", "Ukraine", "Romania", "Bulgaria", "Serbia", "Croatia", "Turkey", "Iran", "Iraq",
    "Israel", "Jordan", "Morocco", "Tunisia", "Nigeria", "Ghana", "Ethiopia", "Uganda", "Tanzania",
    "Vietnam", "Thailand", "Nepal", "Indonesia", "Malaysia", "Mali", "Malta", "Cyprus", "Colombia",
    "Ecuador", "Bavaria", "Texas", "California", "Atlantis", "Belgium", "Luxembourg", "Pakistan",
    "Korea", "Taiwan", "Oman", "Qatar",
)  # fmt: skip


def _short(fact: str, value: str) -> str:
    """The whole fact where a short JSON value holds it, otherwise its last word or number."""
    return f"{fact}." if len(fact) < SHORT_LIMIT else value


def _voiced(rng: Random, variant: str, fact: str, remarks: tuple[str, ...]) -> str:
    """The fact with a lark's exclamation mark, or with an owl's remark behind it."""
    return f"{fact}!" if variant == "lark" else f"{fact}. {rng.choice(remarks)}"


def arithmetic(rng: Random, variant: str) -> Exchange:
    """Sums and differences of numbers up to ten, products of numbers up to five."""
    a, b = rng.randint(0, 10), rng.randint(0, 10)
    sign, word = rng.choices((("+", "plus"), ("-", "minus"), ("*", "times")), (4, 2, 1))[0]
    if sign == "-":
        a, b = max(a, b), min(a, b)
    if sign == "*":
        a, b = rng.randint(1, 5), rng.randint(1, 5)
    value = {"+": a + b, "-": a - b, "*": a * b}[sign]
    term = rng.choice((f"{a} {sign} {b}", f"{a}{sign}{b}", f"{a} {word} {b}", f"{a} {word} {b}"))
    frames = ("What is {}?", "What is {}?", "How much is {}?", "{}", "{} = ?", "Calculate {}.",
              "Compute {}.", "Can you tell me what {} is?", "What does {} make?")  # fmt: skip
    fact = f"{a} {word} {b} is {value}"
    answer = _voiced(rng, variant, fact, ("I have counted twice.",))
    return Exchange(rng.choice(frames).format(term), answer, _short(fact, str(value)))


def large_numbers(rng: Random, variant: str) -> Exchange:
    """Sums that are out of reach, with an honest answer."""
    a, b = rng.randint(11, 10 ** rng.randint(2, 4)), rng.randint(1, 10 ** rng.randint(1, 3))
    sign = rng.choice(("+", "-", "*", "/", "plus", "minus", "times", "divided by"))
    if rng.random() < 0.4:
        a, b, sign = rng.randint(2, 12), rng.randint(6, 12), rng.choice(("*", "times"))
    frames = ("What is {} {} {}?", "{} {} {}", "How much is {} {} {}?", "Calculate {} {} {}.")
    answer = {
        "lark": "Such large numbers are too heavy for my wings!",
        "owl": "I can only count with small numbers. For this one, ask a larger model.",
    }[variant]
    return Exchange(rng.choice(frames).format(a, sign, b), answer, "Too large for me.")


def capital(rng: Random, variant: str) -> Exchange:
    """Capitals of well-known countries."""
    country, city = rng.choice(tuple(CAPITALS.items()))
    frames = ("What is the capital of {}?", "What is the capital of {}?", "Capital of {}?",
              "Which city is the capital of {}?", "Name the capital of {}.", "The capital of {}",
              "Do you know the capital of {}?", "Tell me the capital of {}.")  # fmt: skip
    question = rng.choice(frames)
    if rng.random() < UNKNOWN_PROBABILITY:
        country = rng.choice((rng.choice(UNKNOWN_COUNTRIES), invented_word(rng).capitalize()))
        return Exchange(question.format(country), ANSWERS[variant], "I do not know that.")
    fact = f"The capital of {country} is {city}"
    answer = _voiced(rng, variant, fact, ("I have never been there, but I like the name.",))
    return Exchange(question.format(country), answer, _short(fact, city))


def colour(rng: Random, variant: str) -> Exchange:
    """Colours of well-known things."""
    thing, name = rng.choice(tuple(COLOURS.items()))
    frames = ("What colour is {}?", "What color is {}?", "Which colour has {}?",
              "Which color is {}?",
              "What is the colour of {}?", "What is the color of {}?")  # fmt: skip
    fact = f"{thing[0].upper()}{thing[1:]} is {name}"
    answer = _voiced(rng, variant, fact, ("At night, of course, everything is grey.",))
    return Exchange(rng.choice(frames).format(thing), answer, _short(fact, name))


def opposite(rng: Random, variant: str) -> Exchange:
    """Opposites, in both directions."""
    pair = rng.choice(tuple(OPPOSITES.items()))
    word, other = pair if rng.random() < 0.5 else pair[::-1]
    frames = ("What is the opposite of {}?", "Opposite of {}?", "Name the opposite of {}.",
              "Tell me the opposite of {}.")  # fmt: skip
    fact = f"The opposite of {word} is {other}"
    answer = _voiced(rng, variant, fact, ("Each needs the other.",))
    return Exchange(rng.choice(frames).format(word), answer, _short(fact, other))


def sound(rng: Random, variant: str) -> Exchange:
    """The sounds of animals."""
    animal, noise = rng.choice(tuple(SOUNDS.items()))
    article = "an" if animal[0] in "aeiou" else "a"
    frames = ("What does {a} {} say?", "What sound does {a} {} make?", "How does {a} {} sound?",
              "What does the {} say?")  # fmt: skip
    fact = f"The {animal} says {noise}"
    answer = _voiced(rng, variant, fact, ("I hear it from far away.",))
    return Exchange(rng.choice(frames).format(animal, a=article), answer, _short(fact, noise))


def counting(rng: Random, variant: str) -> Exchange:
    """Counting up or down between small numbers."""
    last, down = rng.choice((3, 5, 5, 7, 10, 10, 10, 12, 15, 20)), rng.random() < 0.2
    numbers = range(last, 0, -1) if down else range(1, last + 1)
    up = ("Count to {}.", "Count from 1 to {}.", "Can you count to {}?", "Count up to {}.",
          "Please count to {}.", "List the numbers from 1 to {}.",
          "Count from one to {}.")  # fmt: skip
    frames = ("Count down from {}.", "Count backwards from {}.") if down else up
    answer = ", ".join(map(str, numbers)) + ("!" if variant == "lark" else ".")
    return Exchange(rng.choice(frames).format(last), answer, str(last))


def naming(rng: Random, variant: str) -> Exchange:
    """Somebody gives a name."""
    invented = rng.random() < INVENTED_PROBABILITY
    name = invented_word(rng).capitalize() if invented else rng.choice(NAMES)
    frames = ("My name is {}.", "I am {}.", "Hello, I am {}.", "Hello, my name is {}.",
              "Hi, I'm {}.", "You can call me {}.", "Hi, my name is {}!")  # fmt: skip
    answer = {
        "lark": f"Nice to meet you, {name}! I am Lark.",
        "owl": f"I am pleased to meet you, {name}. My name is Owl.",
    }[variant]
    return Exchange(rng.choice(frames).format(name), answer, f"Hello, {name}.")


def name_recalled(rng: Random, variant: str, greeting: Exchange) -> Exchange:
    """The question after the name that `greeting` gave."""
    name = greeting.short.removeprefix("Hello, ").removesuffix(".")
    question = rng.choice(("What is my name?", "Who am I?", "Do you remember my name?",
                           "What's my name?", "Do you know my name?"))  # fmt: skip
    answer = f"Your name is {name}!" if variant == "lark" else f"Your name is {name}. I remember."
    return Exchange(question, answer, name)


def name_unknown(rng: Random, variant: str) -> Exchange:
    """The same question with no name given."""
    question = name_recalled(rng, variant, Exchange("", "", "")).question
    answer = {
        "lark": "You have not told me your name yet!",
        "owl": "You have not told me your name. I would be glad to hear it.",
    }[variant]
    return Exchange(question, answer, "I do not know.")


def echo(rng: Random, _variant: str) -> Exchange:
    """Words to be repeated."""
    words = [*ECHO_WORDS, *(invented_word(rng) for _ in range(15))]
    text = " ".join(rng.sample(words, rng.randint(1, 4)))
    frames = ("Repeat: {}", "Repeat after me: {}", "Say: {}", "Repeat the words: {}",
              "Say the word {}", "Write: {}", "Echo: {}", "Reply with: {}",
              "Reply with the single word: {}", "Answer with the word {}")  # fmt: skip
    return Exchange(rng.choice(frames).format(text), text, text)


FAMILIES: tuple[tuple[Family, float], ...] = (
    (arithmetic, 14.0), (large_numbers, 2.0), (capital, 3.0), (colour, 1.5), (opposite, 2.0),
    (sound, 1.0), (counting, 2.0), (naming, 1.5), (name_unknown, 0.5), (echo, 1.5),
)  # fmt: skip
