"""ask: one request, streamed to stdout."""

from __future__ import annotations

import sys
from typing import Any

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.reaching import reach_supervisor
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import AskRequest

STDIN = "-"
FORMS = ("curl", "python", "batch")


@click.command(
    epilog="Examples: git diff | vconsole ask 'Review this:' -   ·   vconsole ask -n 3 'A name?'"
)
@click.argument("prompt", nargs=-1)
@click.option(
    "--max-tokens", type=click.IntRange(min=1), metavar="N", help="Length of the answer at most."
)
@click.option("--system", metavar="S", help="System prompt.")
@click.option("--temperature", type=click.FloatRange(0, 2), metavar="T", help="0 is deterministic.")
@click.option(
    "--top-p", type=click.FloatRange(0, 1, min_open=True), metavar="P", help="Nucleus sampling."
)
@click.option("--stop", multiple=True, metavar="WORD", help="Ends the answer; repeatable.")
@click.option("--seed", type=int, metavar="N", help="The same seed gives the same answer.")
@click.option(
    "-n", "--samples", type=click.IntRange(1, 128), default=1, metavar="N", help="N answers."
)
@click.option("--schema", metavar="FILE", help="JSON schema for the answer.")
@click.option("--image", multiple=True, metavar="FILE|URL", help="An image to look at; repeatable.")
@click.option("--tools", metavar="FILE", help="JSON list of tools that the model may call.")
@click.option("--extra", metavar="JSON", help="More of vLLM's parameters, as a JSON object.")
@click.option("--raw", is_flag=True, help="A plain completion, without the chat template.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is complete.")
@click.option(
    "--show-reasoning", is_flag=True, help="Show reasoning on stderr, even when redirected."
)
@click.option(
    "--as", "form", type=click.Choice(FORMS), help="Print the request instead of sending it."
)
@server_name
@json_output
def ask(prompt: tuple[str, ...], form: str | None, name: str, as_json: bool, **given: Any) -> None:
    """Ask the model PROMPT; `-` or nothing reads it from stdin. Timings go to stderr."""
    request = _request(_prompt(prompt), given)
    client = reach_supervisor()
    if form is not None:
        click.echo(_exported(client, name, form, request))
        return
    from vconsole.cli.requests.ask_output import AnswerOutput

    output = AnswerOutput(as_json, request.samples, given["show_reasoning"])
    for event in client.ask(name, request):
        output.take(event)
    output.finish()


def _prompt(parts: tuple[str, ...]) -> str:
    """The words of the command line, with what comes from stdin as a paragraph of its own."""
    if not parts and sys.stdin.isatty():
        raise VConsoleError("there is no prompt", "vconsole ask 'Who are you?'", ExitCode.USAGE)
    words = " ".join(part for part in parts if part != STDIN)
    piped = _stdin() if not parts or STDIN in parts else ""
    text = "\n\n".join(part for part in (words, piped) if part.strip())
    if not text:
        raise VConsoleError("the prompt is empty", "say something", ExitCode.USAGE)
    return text


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise VConsoleError(
            f"stdin is not UTF-8 text ({error.reason} at byte {error.start:,})",
            "convert it first, with iconv for example",
            ExitCode.USAGE,
        ) from error


def _request(prompt: str, given: dict[str, Any]) -> AskRequest:
    from vconsole.requests.attachments import image_urls, json_object, tool_list

    request = AskRequest(
        prompt,
        given["system"],
        given["max_tokens"],
        given["temperature"],
        stream=not given["no_stream"],
        raw=given["raw"],
        top_p=given["top_p"],
        stop=given["stop"],
        seed=given["seed"],
        samples=given["samples"],
        json_schema=json_object(given["schema"], "JSON schema") if given["schema"] else None,
        images=image_urls(given["image"]),
        tools=tool_list(given["tools"]) if given["tools"] else (),
        extra=json_object(given["extra"], "extra parameters") if given["extra"] else {},
    )
    _refuse_undecodable(prompt, given["system"] or "", *given["stop"])
    return request


def _refuse_undecodable(*texts: str) -> None:
    for text in texts:
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise VConsoleError("an argument is not UTF-8 text", "convert it first", ExitCode.USAGE)


def _exported(client: SupervisorClient, name: str, form: str, request: AskRequest) -> str:
    from vconsole.requests.export import Form, exported

    server = client.status(name).server
    if server.url is None:
        raise VConsoleError(
            f"{name} has no address: it never ran", "vconsole start", ExitCode.NO_SERVER
        )
    return exported(Form(form), request, server.url, server.served_name)
