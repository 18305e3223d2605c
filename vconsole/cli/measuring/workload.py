"""What tune and prove ask the server, as their command lines say it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.model import Load
from vconsole.requests.bench.plan import BenchSpec, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the command line says of it, as it says it."""

    prompts: str | None = None
    history: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    concurrency: int = 1
    requests: int | None = None
    repeats: int = 3

    def source(self, verb: str) -> Source:
        """Where the prompts come from; an error (exit code 2) where the options disagree."""
        if self.history and (self.prompts or self.input_tokens or self.output_tokens):
            wrong = "--history goes without --prompts, --input-tokens and --output-tokens"
        elif self.prompts and self.input_tokens:
            wrong = "--prompts goes without --input-tokens"
        else:
            file = None if self.prompts is None else os.path.abspath(self.prompts)
            return Source(file, self.history, self.input_tokens, self.output_tokens)
        raise VConsoleError(wrong, f"vconsole {verb} --help", ExitCode.USAGE)

    def load(self) -> Load:
        """`concurrency` requests at once, as many in all as a bench would send."""
        spec = BenchSpec((), concurrency=(self.concurrency,), requests=self.requests)
        return spec.loads[0]
