"""The tree of commands."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from vconsole import __version__
from vconsole.cli.guard import guarded
from vconsole.errors import ExitCode, VConsoleError

# name -> (module, what `vconsole --help` says of it); its function is called as the command is.
COMMANDS = {
    "demo": ("demo", "Install, serve and smoke-test a demo model in one go."),
    "start": ("servers.verbs", "Start a server and wait until it is ready."),
    "stop": ("servers.verbs", "Drain, stop, and prove that everything is gone."),
    "restart": ("servers.verbs", "Stop and start again with the same command line."),
    "swap": ("servers.swap", "Replace the running model; put it back if that fails."),
    "profile": ("models.profile", "Named launch configurations: save, compare, copy."),
    "adopt": ("servers.adopt", "Take over a vLLM that vconsole did not start."),
    "status": ("watching.status", "Everything on one page."),
    "events": ("watching.events", "What happened: restarts, crashes, throttling, tenants."),
    "report": ("watching.report", "What happened while nobody was looking, and what to do."),
    "top": ("top", "The overview alone, read-only."),
    "serve-web": ("serve_web", "The console in a browser, on loopback."),
    "logs": ("servers.logs", "The server's log, filtered and followed."),
    "diagnose": ("servers.diagnose", "Why a server failed, from its log."),
    "ask": ("requests.ask", "Send one request and stream the answer."),
    "smoke": ("requests.smoke", "A quick check that the server really answers."),
    "doctor": ("host.doctor", "Check host, engine and server; a remedy for each finding."),
    "monitoring": ("host.monitoring", "Files for Prometheus and Grafana."),
    "ollama": ("host.ollama", "Make Ollama give way, mildest step first, and bring it back."),
    "models": ("models.models", "What can be served here; pull it from the Hub."),
    "batch": ("requests.batch", "Many requests, and no answer lost."),
    "bench": ("requests.bench", "How fast it is: a sweep, side by side, beyond the noise."),
    "tune": ("measuring.tune", "Flags found by measuring, under your own prompts."),
    "prove": ("measuring.prove", "Was leaving Ollama worth it? Measured, on a card."),
    "fit": ("models.fit", "Whether a model fits, and with which flags, before any start."),
    "engine": ("host.engine", "The environments that hold vLLM."),
    "config": ("config", "Settings, and where each came from."),
    "service": ("host.service", "The systemd unit that serves a profile from boot."),
    "supervisor": ("host.supervisor", "The background process itself."),
    "completion": ("completion", "Print the completion script for your shell."),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is called; the list of commands costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vconsole.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without a command the console opens; leaving it stops no server.",
)
@click.version_option(__version__, message="vconsole %(version)s")
@click.option("--socket", metavar="PATH", help="The supervisor's socket (or VCONSOLE_SOCKET).")
@click.option("--readonly", is_flag=True, help="Change nothing (or VCONSOLE_READONLY=1).")
@click.option("--name", default="main", metavar="NAME", help="Which server.  [default: main]")
@click.pass_context
def vconsole(ctx: click.Context, socket: str | None, readonly: bool, name: str) -> None:
    """A console for a local vLLM server."""
    if socket:
        os.environ["VCONSOLE_SOCKET"] = socket
    if readonly:
        os.environ["VCONSOLE_READONLY"] = "1"
    if ctx.invoked_subcommand is None:
        from vconsole.cli.console import open_console

        ctx.exit(open_console(name))


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    return guarded(lambda: _run(arguments), "--json" in arguments[: _end_of_options(arguments)])


def _run(arguments: list[str]) -> int:
    try:
        result: Any = vconsole.main(arguments, prog_name="vconsole", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        raise _usage_error(error) from error
    return result if isinstance(result, int) else int(ExitCode.DONE)


def _usage_error(error: click.ClickException) -> VConsoleError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "vconsole"
    return VConsoleError(error.format_message(), f"{path} --help", ExitCode.USAGE)


def _end_of_options(arguments: list[str]) -> int:
    return arguments.index("--") if "--" in arguments else len(arguments)
