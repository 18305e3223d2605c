"""Standard input kept beside the output, so that the batch can go on from it after any death."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.journal import cannot_use
from vconsole.requests.batch.model import beside


def spooled(stream: BinaryIO, output: Path, *, anew: bool = False) -> Path:
    """The file that holds what the stream gives; the one of an earlier run where it gives nothing.

    Another content than that of the earlier run is refused unless it shall begin `anew`.
    """
    kept = beside(output, ".input")
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}.new")
    try:
        if not stream.isatty():
            with temporary.open("wb") as file:
                shutil.copyfileobj(stream, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
        if not temporary.exists() or temporary.stat().st_size == 0:
            return _earlier(kept)
        if kept.exists() and not anew and not filecmp.cmp(kept, temporary, shallow=False):
            raise VConsoleError(
                f"standard input is another than that of the earlier run ({kept})",
                "--restart begins anew; without input the earlier one goes on",
                ExitCode.REFUSED,
                kind="changed_stdin",
            )
        temporary.replace(kept)
    except OSError as error:
        raise cannot_use(kept, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return kept


def _earlier(kept: Path) -> Path:
    if kept.exists():
        return kept
    raise VConsoleError(
        "standard input is empty", "pipe requests into it, or name a file", ExitCode.USAGE
    )
