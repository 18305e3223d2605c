"""A pull as a process of its own: `python -m vconsole.models.hub.fetch OWNER/NAME STATUS_FILE`.

It steps back behind everything else (nice, idle disk), writes how far it is into the status file,
and ends with 0 or 1. A token comes in the environment, never as an argument.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from vconsole.errors import ErrorBody, VConsoleError
from vconsole.models.hub.blobs import bring_blob
from vconsole.models.hub.cache import cache_folder
from vconsole.models.hub.progress import PullProgress, write_progress
from vconsole.models.hub.remote import RemoteModel, already_here_bytes, ask, require_access

WRITE_EVERY_S = 0.5
# What others need of the same disk while it fills.
SPARE_BYTES = 512 << 20


def main(repository: str, status: Path) -> int:
    _step_back()
    try:
        write_progress(status, PullProgress("running"))
        ended = _pull(repository, status)
    except VConsoleError as error:
        write_progress(status, PullProgress("failed", error=error.body()))
        return 1
    except OSError as error:
        body = ErrorBody("failed", f"the pull broke off: {error}", "see the disk and HF_HOME")
        with contextlib.suppress(OSError):
            write_progress(status, PullProgress("failed", error=body))
        return 1
    write_progress(status, ended)
    return 0


def _pull(repository: str, status: Path) -> PullProgress:
    from huggingface_hub import snapshot_download

    from vconsole.models.hub.trouble import explained

    model = ask(repository)
    require_access(repository)
    require_room(model)
    with _telling(model, status):
        for file in model.files:
            bring_blob(model, file)
        with explained(repository):
            names = [file.name for file in model.files]
            path = snapshot_download(
                repository, revision=model.commit, allow_patterns=names, max_workers=2
            )
            _name_main(model, Path(path))
    return PullProgress("done", model.total_bytes, model.total_bytes, path=path)


def require_room(model: RemoteModel) -> None:
    """An error where the disk of the cache cannot take what is still missing."""
    folder = cache_folder()
    missing = model.total_bytes - already_here_bytes(model)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if missing + min(SPARE_BYTES, missing // 20) <= free:
        return
    raise VConsoleError(
        f"{model.name} needs {missing / 1e9:.1f} GB more, and the disk of {folder} has "
        f"{free / 1e9:.1f} GB free",
        "make room (`vconsole models rm` frees some), or point HF_HOME at another disk",
        kind="disk_full",
    )


def _name_main(model: RemoteModel, snapshot: Path) -> None:
    """Name the commit `main`, so that vLLM finds it offline under the repository's name."""
    refs = snapshot.parent.parent / "refs"
    refs.mkdir(exist_ok=True)
    (refs / "main").write_text(model.commit, encoding="utf-8")


@contextlib.contextmanager
def _telling(model: RemoteModel, status: Path) -> Iterator[None]:
    """Write how many bytes are there, now and then, as the disk shows them."""
    over = threading.Event()

    def tell() -> None:
        while True:
            done = min(already_here_bytes(model), model.total_bytes)
            with contextlib.suppress(OSError):
                write_progress(status, PullProgress("running", done, model.total_bytes))
            if over.wait(WRITE_EVERY_S):
                return

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _step_back() -> None:
    """Behind the server in both queues; where that is not allowed, go on without."""
    import psutil

    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with contextlib.suppress(OSError):
        os.nice(15)
    with contextlib.suppress(psutil.Error, OSError, AttributeError, ValueError):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
