"""`python -m vconsole.supervisor`: what an autostart runs, its output in the supervisor's log."""

from __future__ import annotations

import faulthandler
import logging
import sys

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.daemon import run
from vconsole.supervisor.logs.own_log import OwnLog


def log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        handlers=[OwnLog(paths.supervisor_log_path())],
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)


def main(profile: str | None = None) -> int:
    """Run it, for a service with what it serves; returns the exit status."""
    faulthandler.enable()
    log_to_stderr()
    try:
        return run(profile)
    except VConsoleError as error:
        logging.getLogger(__name__).error("%s; %s", error.message, error.remedy or "")
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
