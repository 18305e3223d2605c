"""The one place where errors become words and exit codes: no traceback reaches a user."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from vconsole.cli.output import print_error
from vconsole.errors import ExitCode, VConsoleError


def guarded(call: Callable[[], int], as_json: bool = False) -> int:
    """The exit code of `call`, or of what it raised, which has been told."""
    try:
        return call()
    except VConsoleError as error:
        print_error(error, as_json)
        return int(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    except OSError as error:
        print_error(VConsoleError(str(error), "see whether the disk is full or read-only"), as_json)
        return int(ExitCode.FAILED)
