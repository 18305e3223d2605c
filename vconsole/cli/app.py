"""The tree of commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from vconsole import __version__
from vconsole.cli.output import print_error
from vconsole.errors import ExitCode, VConsoleError

# name -> (module, attribute, what `vconsole --help` says of it)
COMMANDS = {
    "demo": ("demo", "demo", "From nothing to a served demo model, smoke-tested."),
    "start": ("verbs", "start", "Start a server and wait until it is ready."),
    "stop": ("verbs", "stop", "Drain, stop, and prove that it is gone."),
    "restart": ("verbs", "restart", "Stop and start again with the same command line."),
    "adopt": ("adopt", "adopt", "Take over a vLLM that something else started."),
    "status": ("status", "status", "Everything on one page."),
    "events": ("events", "events", "What happened: restarts, crashes, throttling, tenants."),
    "report": ("report", "report", "What happened while nobody looked, and what to do."),
    "top": ("top", "top", "The console, read-only."),
    "logs": ("logs", "logs", "The server's log, filtered and followed."),
    "diagnose": ("diagnose", "diagnose", "Why a server failed, from its log."),
    "ask": ("ask", "ask", "Send one request and stream the answer."),
    "smoke": ("smoke", "smoke", "The quick check that the server really answers."),
    "engine": ("engine", "engine", "The environments that hold vLLM."),
    "config": ("config", "config", "Settings, and where each came from."),
    "supervisor": ("supervisor", "supervisor", "The background process itself."),
    "completion": ("completion", "completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is called; the list of commands costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"vconsole.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, _, help) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without a command the console opens; leaving it stops no server.",
)
@click.version_option(__version__, message="vconsole %(version)s")
@click.option("--socket", metavar="PATH", help="The supervisor's socket (or VCONSOLE_SOCKET).")
@click.option("--readonly", is_flag=True, help="Change nothing (or VCONSOLE_READONLY=1).")
@click.option("--name", default="main", show_default=True, help="The server to look at.")
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
    """Run one command; returns its exit code and never lets a traceback reach the user."""
    as_json = "--json" in arguments[: _end_of_options(arguments)]
    try:
        result: Any = vconsole.main(arguments, prog_name="vconsole", standalone_mode=False)
    except VConsoleError as error:
        print_error(error, as_json)
        return int(error.exit_code)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        print_error(_usage_error(error), as_json)
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("\n")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    except OSError as error:
        print_error(VConsoleError(str(error), "see whether the disk is full or read-only"), as_json)
        return int(ExitCode.FAILED)
    return result if isinstance(result, int) else int(ExitCode.DONE)


def _usage_error(error: click.ClickException) -> VConsoleError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "vconsole"
    return VConsoleError(error.format_message(), f"{path} --help", ExitCode.USAGE)


def _end_of_options(arguments: list[str]) -> int:
    return arguments.index("--") if "--" in arguments else len(arguments)
