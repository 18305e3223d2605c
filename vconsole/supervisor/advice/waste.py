"""What is paid for and not used: a prefix cache, and room for longer requests than there are."""

from __future__ import annotations

from vconsole.supervisor.advice.rule import Facts, Rule, count, percent
from vconsole.supervisor.advice.situation import Situation

# Fewer requests, or shorter prompts, say nothing of how it is used.
FEWEST_REQUESTS = 20
SHORTEST_PROMPT_TOKENS = 200
HARDLY_A_HIT = 0.02
TIMES_TOO_LONG = 4
ROOM_FOR_MORE = 2
CONTEXT_STEP = 1024


def _prompts(situation: Situation) -> Facts | None:
    """How many prompts of what length there were, where those could have shared something."""
    finished = situation.metrics.finished_10min or 0
    mean = situation.metrics.prompt_tokens_mean_10min or 0
    if finished < FEWEST_REQUESTS or mean < SHORTEST_PROMPT_TOKENS:
        return None
    return {"requests": count(finished), "mean": count(mean)}


def _cache_off(situation: Situation) -> Facts | None:
    return _prompts(situation) if situation.metrics.prefix_caching is False else None


def _cache_unused(situation: Situation) -> Facts | None:
    hits, facts = situation.metrics.prefix_cache_hit_rate, _prompts(situation)
    if situation.metrics.prefix_caching is False or hits is None or hits >= HARDLY_A_HIT:
        return None
    return facts and facts | {"hits": percent(hits)}


def _context(situation: Situation) -> Facts | None:
    longest, room = situation.metrics.longest_request_tokens_10min, situation.server.max_model_len
    finished = situation.metrics.finished_10min or 0
    if not longest or not room or finished < FEWEST_REQUESTS or room < TIMES_TOO_LONG * longest:
        return None
    enough = -(-ROOM_FOR_MORE * int(longest) // CONTEXT_STEP) * CONTEXT_STEP
    facts = {"room": count(room), "requests": count(finished), "longest": count(longest)}
    return facts | {"enough": str(enough)} if enough < room else None


CACHE_OFF = Rule(
    "prefix-cache-off",
    _cache_off,
    "No prefix cache, while {requests} requests in 10 min had prompts of {mean} tokens.",
    "Where prompts begin alike it saves reading them again (--enable-prefix-caching).",
    "server.restart",
    ("--enable-prefix-caching",),
)
CACHE_UNUSED = Rule(
    "prefix-cache-unused",
    _cache_unused,
    "Prompts have {mean} tokens, and {hits} of them came from the prefix cache.",
    "Put what prompts share, such as the system prompt, at their very beginning.",
    "screen.request",
)
CONTEXT = Rule(
    "context-too-long",
    _context,
    "A request may have {room} tokens; of {requests} in 10 min none had more than {longest}.",
    "A shorter context starts in less memory (--max-model-len {enough}).",
    "server.restart",
    ("--max-model-len", "{enough}"),
)
