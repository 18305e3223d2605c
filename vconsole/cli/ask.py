"""ask: one request, streamed to stdout."""

from __future__ import annotations

import sys

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import figure, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import AskEvent, AskRequest


@click.command(epilog="Example: echo 'Who are you?' | vconsole ask - --max-tokens 64")
@click.argument("prompt")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.")
@click.option("--system", metavar="S", help="System prompt.")
@click.option("--temperature", type=click.FloatRange(0, 2), metavar="T", help="0 is deterministic.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@server_name
@json_output
def ask(
    prompt: str,
    max_tokens: int | None,
    system: str | None,
    temperature: float | None,
    no_stream: bool,
    name: str,
    as_json: bool,
) -> None:
    """Ask the model PROMPT (`-` reads it from stdin); the figures come on stderr."""
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise VConsoleError("the prompt is empty", "say something", ExitCode.USAGE)
    request = AskRequest(text, system, max_tokens, temperature, stream=not no_stream)
    answer = Answer(echo=not as_json)
    for event in reach_supervisor().ask(name, request):
        answer.take(event)
    answer.finish(as_json)


class Answer:
    """Collects the pieces of an answer, echoing its text as it comes."""

    def __init__(self, echo: bool) -> None:
        self._echo = echo
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._last: AskEvent | None = None

    def take(self, event: AskEvent) -> None:
        if event.error:
            body = event.error
            raise VConsoleError(body.message, body.remedy, ExitCode(body.exit_code), body.kind)
        if event.kind == "note":
            say(event.text)
        elif event.kind == "text":
            self._text.append(event.text)
            if self._echo:
                sys.stdout.write(event.text)
                sys.stdout.flush()
        elif event.kind == "reasoning":
            self._reasoning.append(event.text)
        elif event.kind == "done":
            self._last = event

    def finish(self, as_json: bool) -> None:
        if self._last is None:
            raise VConsoleError("the answer broke off", "`vconsole logs` may say why")
        if as_json:
            print_json(self._result(self._last))
            return
        sys.stdout.write("\n")
        say(_figures(self._last))

    def _result(self, last: AskEvent) -> dict[str, object]:
        return {
            "text": "".join(self._text),
            "reasoning": "".join(self._reasoning) or None,
            "finish_reason": last.finish_reason,
            "prompt_tokens": last.prompt_tokens,
            "completion_tokens": last.completion_tokens,
            "ttft_ms": last.ttft_ms,
            "tokens_per_s": last.tokens_per_s,
        }


def _figures(last: AskEvent) -> str:
    return (
        f"TTFT {figure(last.ttft_ms, ' ms')}  {figure(last.tokens_per_s, ' tok/s')}  "
        f"{figure(last.prompt_tokens)} + {figure(last.completion_tokens)} tokens  "
        f"{last.finish_reason or '—'}"
    )
