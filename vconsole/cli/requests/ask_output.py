"""Prints an answer: its text on stdout and nothing else there, the rest on stderr."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field

import click

from vconsole.cli.output import figure, print_json, say
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.safe_text import safe
from vconsole.supervisor.model import AskEvent

BETWEEN_SAMPLES = "---"


@dataclass(slots=True)
class Sample:
    """One of the answers asked for; `calls` are the tools called, by their place."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def call(self, event: AskEvent) -> None:
        _, arguments = self.calls.setdefault(event.call, (event.tool or "", []))
        arguments.append(event.text)

    def called(self) -> list[dict[str, str]]:
        return [
            {"tool": name, "arguments": "".join(arguments)}
            for _, (name, arguments) in sorted(self.calls.items())
        ]


class AnswerOutput:
    """Takes the events of an answer; a single text is echoed as it comes.

    What goes to a terminal has its control characters replaced, what goes to a file is as it came.
    """

    def __init__(self, as_json: bool, samples: int, show_reasoning: bool) -> None:
        self._as_json = as_json
        self._echo = not as_json and samples == 1
        self._reasons = show_reasoning or (sys.stderr.isatty() and self._echo)
        self._samples = [Sample() for _ in range(samples)]
        self._notes: list[str] = []
        self._reasoning_open = False
        self._last: AskEvent | None = None

    def take(self, event: AskEvent) -> None:
        if event.error:
            body = event.error
            self._end_line()
            raise VConsoleError(body.message, body.remedy, ExitCode(body.exit_code), body.kind)
        if event.kind == "note":
            self._notes.append(event.text)
            say(event.text)
        elif event.kind == "done":
            self._last = event
        elif event.sample < len(self._samples):
            self._piece(self._samples[event.sample], event)

    def finish(self) -> None:
        if self._last is None:
            self._end_line()
            raise VConsoleError("the answer broke off", "`vconsole logs` may say why")
        self._end_reasoning()
        if self._as_json:
            print_json(self._result(self._last))
            return
        self._write(self._rest() + "\n")
        say(_figures(self._last))

    def _piece(self, sample: Sample, event: AskEvent) -> None:
        if event.kind == "reasoning":
            sample.reasoning.append(event.text)
            if self._reasons:
                self._reasoning_open = True
                click.secho(safe(event.text), dim=True, err=True, nl=False)
        elif event.kind == "tool_call":
            sample.call(event)
        elif event.kind == "text":
            sample.text.append(event.text)
            if self._echo:
                self._end_reasoning()
                self._write(event.text)

    def _rest(self) -> str:
        """What was not echoed: the calls of a single answer, or all answers whole."""
        if self._echo:
            calls = _lines(self._samples[0])
            return ("\n" if calls and self._samples[0].text else "") + calls
        whole = ("\n".join(filter(None, ("".join(s.text), _lines(s)))) for s in self._samples)
        return f"\n{BETWEEN_SAMPLES}\n".join(whole)

    def _write(self, text: str) -> None:
        sys.stdout.write(safe(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()

    def _end_reasoning(self) -> None:
        if self._reasoning_open:
            click.echo(err=True)
            self._reasoning_open = False

    def _end_line(self) -> None:
        """What has been echoed stays; the error begins on a line of its own."""
        self._end_reasoning()
        if self._echo and self._samples[0].text:
            self._write("\n")

    def _result(self, last: AskEvent) -> dict[str, object]:
        first = self._samples[0]
        return {
            "text": "".join(first.text),
            "reasoning": "".join(first.reasoning) or None,
            "tool_calls": first.called(),
            "finish_reason": last.finish_reason,
            "prompt_tokens": last.prompt_tokens,
            "completion_tokens": last.completion_tokens,
            "cached_tokens": last.cached_tokens,
            "ttft_ms": last.ttft_ms,
            "itl_ms": last.itl_ms,
            "itl_p95_ms": last.itl_p95_ms,
            "total_ms": last.total_ms,
            "tokens_per_s": last.tokens_per_s,
            "notes": self._notes,
            "samples": [
                {
                    "text": "".join(sample.text),
                    "reasoning": "".join(sample.reasoning) or None,
                    "tool_calls": sample.called(),
                    "finish_reason": reason,
                }
                for sample, reason in zip(self._samples, last.finish_reasons, strict=False)
            ],
        }


def _lines(sample: Sample) -> str:
    return "\n".join(json.dumps(call, ensure_ascii=False) for call in sample.called())


def _figures(last: AskEvent) -> str:
    reasons = ", ".join(sorted({reason or "—" for reason in last.finish_reasons})) or "—"
    cached = f" ({last.cached_tokens:,} cached)" if last.cached_tokens else ""
    return (
        f"TTFT {figure(last.ttft_ms, ' ms')}  ITL {figure(last.itl_ms, ' ms', 1)}  "
        f"{figure(last.tokens_per_s, ' tok/s')}  "
        f"{figure(last.prompt_tokens)}{cached} + {figure(last.completion_tokens)} tokens  {reasons}"
    )
