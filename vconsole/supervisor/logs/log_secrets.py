"""What must not be seen of a server's log: the secrets that it was started with, and our own."""

from __future__ import annotations

import os
from pathlib import Path

from vconsole.engine.log.redact import Redactor, secret_values
from vconsole.supervisor.servers.environment import readable_environment


def redactor_of(log_file: Path) -> Redactor:
    """For the log of a server, whose environment is kept in the same folder."""
    given = readable_environment(log_file.parent.name)
    return Redactor(secret_values(given) | secret_values(os.environ))
