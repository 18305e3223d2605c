"""The commands: thin, they parse, call and print.

stdout is data, stderr is progress and diagnostics. Modules of commands are imported when they are
needed, since imports are most of what a command costs.
"""

from __future__ import annotations

import os
import sys

from vconsole import __version__

# Set by a shell that asks for completions, of no argument, too.
COMPLETION = "_VCONSOLE_COMPLETE"


def main() -> None:
    """The `vconsole` script."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"vconsole {__version__}\n")
        return
    if not sys.argv[1:] and COMPLETION not in os.environ:
        # The console needs no parser, whose import is a twentieth of its first paint.
        from vconsole.cli.console import open_console
        from vconsole.cli.guard import guarded

        sys.exit(guarded(lambda: open_console("main")))
    from vconsole.cli.app import run

    sys.exit(run(sys.argv[1:]))
