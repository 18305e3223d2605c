"""What the tuner asks the server: the user's own prompts, such as it was asked, or made ones.

Every repeat has a beginning that no prefix cache has seen, the same for all its requests: what they
begin with in common stays common, since that is what prefix caching is for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.loading import needed_prompts, repeated
from vconsole.requests.bench.model import Lengths, Load, Target, Workload
from vconsole.requests.bench.plan import (
    DEFAULT_INPUT_TOKENS,
    DEFAULT_OUTPUT_TOKENS,
    Source,
)
from vconsole.requests.bench.prompt_file import sampled
from vconsole.requests.bench.tokens import TokenCosts
from vconsole.requests.bench.workload import (
    costs_of,
    lengths_of_history,
    made_of_words,
    salted,
)


class Prompts:
    """`workload` is what one repeat asks; `lengths` are kept, since a restart forgets them."""

    def __init__(
        self,
        given: Workload | None,
        lengths: Sequence[Lengths],
        target: Target,
        load: Load,
    ) -> None:
        self._given, self.lengths, self._target, self._load = given, tuple(lengths), target, load
        self._costs: TokenCosts | None = None

    async def workload(self, salt: str) -> Workload:
        """The same for the same salt; the target is asked but once, for how it counts tokens."""
        if self._given is not None:
            return _salted_alike(self._given, salt)
        self._costs = self._costs or await costs_of(self._target)
        return made_of_words(self._costs, self.lengths, salt)


async def prompts_of(
    source: Source, load: Load, target: Target, known: Sequence[Lengths] = ()
) -> Prompts:
    """Read the file, or settle on lengths: those of an earlier run where they are `known`."""
    count = needed_prompts(load)
    if source.file is not None:
        tokens = source.output_tokens
        prompts = sampled(source.file, count, output_tokens=tokens)
        given = Workload(repeated(prompts, count), tokens is not None, None)
        return Prompts(given, (), target, load)
    lengths: Sequence[Lengths] = known
    if not lengths and source.history:
        lengths = await lengths_of_history(target, count)
    if not lengths:
        read = source.input_tokens or DEFAULT_INPUT_TOKENS
        made = source.output_tokens or DEFAULT_OUTPUT_TOKENS
        lengths = (Lengths(read, made),) * count
    return Prompts(None, lengths, target, load)


def described(source: Source) -> str:
    """The source in words; a file by what is in it, so that another in its place is another."""
    if source.file is not None:
        try:
            digest = hashlib.sha256(Path(source.file).read_bytes()).hexdigest()[:12]
        except OSError as error:
            raise _unreadable(source.file, error) from error
        tokens = f", {source.output_tokens} out" if source.output_tokens else ""
        return f"{source.file} ({digest}){tokens}"
    if source.history:
        return "random words, as long as this server was asked for"
    read = source.input_tokens or DEFAULT_INPUT_TOKENS
    return f"random words, {read} in, {source.output_tokens or DEFAULT_OUTPUT_TOKENS} out"


def _salted_alike(workload: Workload, salt: str) -> Workload:
    alone = (replace(workload, prompts=(each,)) for each in workload.prompts)
    return replace(workload, prompts=tuple(salted(each, salt).prompts[0] for each in alone))


def _unreadable(path: str, error: OSError) -> VConsoleError:
    return VConsoleError(f"cannot read {path}: {error.strerror}", None, ExitCode.USAGE)
