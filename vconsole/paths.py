"""Where vconsole keeps its files: the XDG folders, and the names inside them.

Reading a path never creates anything; `private_folder` is the one place that makes folders.
"""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path

import platformdirs

from vconsole.errors import ExitCode, VConsoleError

APP = "vconsole"
# sun_path holds 108 bytes with its terminating zero.
SOCKET_PATH_LIMIT_BYTES = 107


def config_dir() -> Path:
    """Settings, profiles and the user's themes."""
    return platformdirs.user_config_path(APP)


def state_dir() -> Path:
    """Lock, socket, records, logs and database of the supervisor."""
    return platformdirs.user_state_path(APP)


def data_dir() -> Path:
    """Engines and the demo model."""
    return platformdirs.user_data_path(APP)


def cache_dir() -> Path:
    """What can be made again."""
    return platformdirs.user_cache_path(APP)


def config_file() -> Path:
    return config_dir() / "config.toml"


def profiles_file() -> Path:
    return config_dir() / "profiles.toml"


def engines_dir() -> Path:
    return data_dir() / "engines"


def models_dir() -> Path:
    return data_dir() / "models"


def socket_path() -> Path:
    """The supervisor's socket: `VCONSOLE_SOCKET`, else in the state folder."""
    named = os.environ.get("VCONSOLE_SOCKET")
    return Path(named) if named else state_dir() / "supervisor.sock"


def checked_socket_path() -> Path:
    """The socket's path, refused with a remedy where the kernel would not take it."""
    path = socket_path()
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT_BYTES:
        raise VConsoleError(
            f"the socket's path is longer than {SOCKET_PATH_LIMIT_BYTES} bytes: {path}",
            "set VCONSOLE_SOCKET to a shorter one, in a folder that only you can enter",
            ExitCode.USAGE,
        )
    return path


def system_socket_path() -> Path:
    """Where the supervisor of the whole machine listens, if there is one (file-hierarchy(7))."""
    return Path("/run") / APP / "supervisor.sock"


def lock_path() -> Path:
    return state_dir() / "supervisor.lock"


def supervisor_log_path() -> Path:
    return state_dir() / "supervisor.log"


def history_path() -> Path:
    return state_dir() / "history.sqlite"


def attended_path() -> Path:
    """An empty file; its time of change is when a console watched last."""
    return state_dir() / "console.seen"


def jobs_path() -> Path:
    return state_dir() / "jobs.sqlite"


def server_dir(name: str) -> Path:
    """Record and log of one named server."""
    return state_dir() / "servers" / name


def shown(path: Path) -> str:
    """The path as people write it: `~` for their home."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


@cache
def resources_dir() -> Path:
    """What ships beside the code: the demo models and scripts for the engine's Python."""
    return Path(__file__).parent / "resources"


def private_folder(path: Path) -> Path:
    """Make `path` (mode 0700) and its parents, and refuse one that others own or can enter."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise VConsoleError(
            f"cannot use the folder {path}: {error.strerror}",
            "make it writable for you, or point XDG_STATE_HOME or XDG_DATA_HOME elsewhere",
        ) from error
    if found.st_uid != os.geteuid():
        raise VConsoleError(
            f"the folder {path} belongs to uid {found.st_uid}, not to you (uid {os.geteuid()})",
            "run as its owner, or set XDG_STATE_HOME to a folder of your own",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise VConsoleError(
            f"the folder {path} is open to other users (mode {stat.S_IMODE(found.st_mode):o})",
            f"close it: chmod 700 {path}",
        )
    return path
