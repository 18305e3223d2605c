"""The commands: thin, they parse, call and print.

stdout is data, stderr is progress and diagnostics. Modules of commands are imported when they are
needed, since imports are most of what a command costs.
"""

from __future__ import annotations

import sys

from vconsole import __version__


def main() -> None:
    """The `vconsole` script."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"vconsole {__version__}\n")
        return
    from vconsole.cli.app import run

    sys.exit(run(sys.argv[1:]))
