"""The answers of several servers to the same prompts, side by side, and scored where it is known
what is right.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vconsole.requests.bench.exchange import Exchange, body_of, carry_out
from vconsole.requests.bench.kept import Answer, Answered
from vconsole.requests.bench.measure import first_model
from vconsole.requests.bench.model import Prompt, Target, Workload
from vconsole.requests.transport import Transport

AT_ONCE = 4
DEFAULT_TOKENS = 256
LONGEST_KEPT = 4000


async def ask_all(
    target: Target, prompts: Sequence[Prompt], timeout_s: float
) -> tuple[Answer, ...]:
    """One answer for each prompt, with its own end and no chance in it (temperature 0)."""
    room = asyncio.Semaphore(AT_ONCE)
    async with Transport(target.url, target.api_key) as transport:
        model = target.model or await first_model(transport)

        async def one(prompt: Prompt) -> Answer:
            asked = {"max_tokens": prompt.output_tokens or DEFAULT_TOKENS, **prompt.body}
            bare = Prompt(prompt.path, {**asked, "temperature": 0})
            body = body_of(bare, Workload((bare,), exact_output=False), model)
            async with room:
                found = await carry_out(transport, prompt.path, body, timeout_s, keeps_text=True)
            return _answer(target.name, prompt, found)

        return tuple(await asyncio.gather(*(one(prompt) for prompt in prompts)))


def side_by_side(
    prompts: Sequence[Prompt], answered: Sequence[Answered], more: Sequence[Answer]
) -> tuple[Answered, ...]:
    """What was answered before, with another contender's answers beside it."""
    if not answered:
        answered = [Answered(each.key, _shown(each), (), _wanted(each)) for each in prompts]
    return tuple(
        Answered(before.key, before.prompt, (*before.answers, answer), before.wanted)
        for before, answer in zip(answered, more, strict=True)
    )


def score(text: str, prompt: Prompt) -> tuple[float | None, str | None]:
    """0 to 1 with a word for it; None where nothing says what is right.

    A schema is obeyed or not. Against a reference: 1 for the same words, or for JSON of the same
    value; else the F1 of common words, as SQuAD's (Rajpurkar et al. 2016, section 6.1).
    """
    if prompt.schema is not None:
        wrong = _schema_fault(text, prompt.schema)
        if wrong is not None or prompt.reference is None:
            return (1.0, "obeys the schema") if wrong is None else (0.0, wrong)
    if prompt.reference is None:
        return None, None
    return _against(text, prompt.reference)


def _against(text: str, reference: str) -> tuple[float, str]:
    said, wanted = text.lower().split(), reference.lower().split()
    if said == wanted or _same_json(text, reference):
        return 1.0, "as the reference"
    common = sum((Counter(said) & Counter(wanted)).values())
    if not common:
        return 0.0, "nothing of the reference"
    precision, recall = common / len(said), common / len(wanted)
    return 2 * precision * recall / (precision + recall), "like the reference"


def _schema_fault(text: str, schema: Mapping[str, Any]) -> str | None:
    import jsonschema

    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.MsgspecError, RecursionError):
        return "no JSON"
    try:
        jsonschema.validate(value, schema)
    except jsonschema.ValidationError as error:
        return f"breaks the schema: {error.message}"[:200]
    except jsonschema.SchemaError as error:
        return f"the schema is none: {error.message}"[:200]
    return None


def _same_json(text: str, reference: str) -> bool:
    try:
        return bool(msgspec.json.decode(text.encode()) == msgspec.json.decode(reference.encode()))
    except (msgspec.MsgspecError, RecursionError):
        return False


def _answer(contender: str, prompt: Prompt, found: Exchange) -> Answer:
    if found.failure is not None:
        return Answer(contender, "", found.failure, None, found.reason)
    points, verdict = score(found.text, prompt)
    return Answer(contender, found.text[:LONGEST_KEPT], found.finish_reason, points, verdict)


def _shown(prompt: Prompt) -> str:
    """The prompt as people read it: of a chat its last message."""
    body = prompt.body
    if isinstance(body.get("prompt"), str):
        return str(body["prompt"])[:LONGEST_KEPT]
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content") if isinstance(messages[-1], dict) else None
    shown = content if isinstance(content, str) else msgspec.json.encode(content).decode()
    return shown[:LONGEST_KEPT]


def _wanted(prompt: Prompt) -> str | None:
    if prompt.reference is not None:
        return prompt.reference[:LONGEST_KEPT]
    return "JSON of a schema" if prompt.schema is not None else None
