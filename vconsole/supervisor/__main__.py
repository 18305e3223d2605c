"""`python -m vconsole.supervisor`: what an autostart runs, its output in the supervisor's log."""

from __future__ import annotations

import logging
import sys

from vconsole.errors import VConsoleError
from vconsole.supervisor.daemon import run


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        run()
    except VConsoleError as error:
        logging.getLogger(__name__).error("%s; %s", error.message, error.remedy or "")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
