"""Secrets taken out of text that is shown, exported or archived; the number of lines never changes.

What counts: values of variables known to hold secrets, wherever they stand, and what looks like a
key: vendors' prefixes, `Authorization` headers, `api_key=...`, `--api-key ...`, passwords in URLs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MASK = "[redacted]"
SHORTEST_VALUE = 4
# A shorter value stands for itself only where no letter or digit touches it.
SHORTEST_UNBOUND_VALUE = 8

SECRET_NAME = re.compile(
    r"(?:^|_)(?:API_?KEY|ACCESS_KEY|SECRET_KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` is looked for only in text that holds one of `hints` (in lower case)."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str = rf"\g<before>{MASK}"


# Whatever str.splitlines takes for the end of a line.
_ENDS = "\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_QUOTE = r"\\?[\"']"
# After an optional opening quote: up to the same quote; else a list in brackets, or a bare word.
_VALUE = (
    rf"(?(quote)(?:(?!(?P=quote))[^{_ENDS}])+"
    rf"|(?:[\[(][^\]){_ENDS}]{{1,4096}}[\])]|[^\s\"'\\,;)\]}}]+))"
)
_NAME = (
    r"(?:api[_-]?key|access_key|secret[_-]key|client_secret|passw(?:or)?d"
    r"|(?:hf|hub|auth|access|refresh|session|bearer|api)_token)"
)
RULES = (
    Rule(
        ("hf_", "sk-", "ghp_", "glpat-", "akia"),
        re.compile(
            r"\b(?:hf_[A-Za-z0-9]{8,}|sk-[\w-]{12,}|ghp_[A-Za-z0-9]{16,}|glpat-[\w-]{16,}"
            r"|AKIA[A-Z0-9]{12,})",
            re.ASCII,
        ),
        MASK,
    ),
    Rule(
        ("authorization",),
        re.compile(
            rf"(?P<before>authorization(?:{_QUOTE})?[ \t]*[:=,][ \t]*(?:b?{_QUOTE})?+"
            r"(?:(?:bearer|basic|token)[ \t]+)?+)(?!\[redacted)[^\s\"'\\,;)\]}]+",
            re.IGNORECASE,
        ),
    ),
    Rule(
        ("bearer",),
        re.compile(
            r"(?P<before>\bbearer[ \t]+)(?=[\w.~+/=-]{0,64}\d|[\w.~+/=-]{16})[\w.~+/=-]+",
            re.IGNORECASE,
        ),
    ),
    Rule(
        ("://",),
        re.compile(r"(?P<before>://[^\s/:@\"']{0,256}:)[^\s/@\"']{1,1024}(?=@)"),
    ),
    Rule(
        ("--api-key", "--hf-token"),
        re.compile(
            rf"(?P<before>--(?:api-key|hf-token)(?:{_QUOTE},[ \t]*{_QUOTE}|[ \t]+{_QUOTE}|[ \t]+))"
            r"(?!-|\[redacted)[^\s\"'\\,;)\]}]+",
            re.IGNORECASE,
        ),
    ),
    Rule(
        ("_key", "-key", "apikey", "_secret", "passw", "_token"),
        re.compile(
            rf"(?P<before>{_NAME}(?:{_QUOTE})?[ \t]*[:=][ \t]*"
            rf"(?P<quote>{_QUOTE})?+)(?!(?:none|null|true|false)\b){_VALUE}",
            re.IGNORECASE,
        ),
    ),
)


class Redactor:
    """Replaces `values`, and what looks like a key, by `[redacted]`."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = tuple(sorted(_usable(values), key=len, reverse=True))
        self._known = re.compile("|".join(map(_bounded, self._values))) if self._values else None

    def __call__(self, text: str) -> str:
        """The text with as many lines as before; meant for one line as well as for a megabyte."""
        if self._known and any(value in text for value in self._values):
            text = self._known.sub(MASK, text)
        lowered = text.lower()
        for rule in RULES:
            if any(hint in lowered for hint in rule.hints):
                text = rule.pattern.sub(rule.replacement, text)
        return text

    def of_bytes(self, content: bytes) -> bytes:
        """The same for text that may not be UTF-8; what is no secret stays byte for byte."""
        return self(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def secret_values(environment: Mapping[str, str]) -> frozenset[str]:
    """The values of those variables whose name says that they hold a secret."""
    return frozenset(value for name, value in environment.items() if SECRET_NAME.search(name))


def _usable(values: Iterable[str]) -> set[str]:
    lines = {line.strip() for value in values for line in value.splitlines()}
    return {line for line in lines if len(line) >= SHORTEST_VALUE and line not in MASK}


def _bounded(value: str) -> str:
    word = re.escape(value)
    return word if len(value) >= SHORTEST_UNBOUND_VALUE else rf"(?<!\w){word}(?!\w)"
