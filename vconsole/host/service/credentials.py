"""Keys that systemd hands to a service: files in $CREDENTIALS_DIRECTORY (systemd.exec(5))."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vconsole.errors import VConsoleError

# The credential's name in the unit, and the variable that vLLM and the Hub read.
VARIABLES = {"api_key": "VLLM_API_KEY", "hf_token": "HF_TOKEN"}


def given(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that the credentials stand for; nothing where there are none."""
    folder = (os.environ if environ is None else environ).get("CREDENTIALS_DIRECTORY")
    if not folder:
        return {}
    found = {variable: _read(Path(folder) / name) for name, variable in VARIABLES.items()}
    return {variable: value for variable, value in found.items() if value}


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise VConsoleError(
            f"cannot read the credential {path.name}: {error}",
            "`vconsole service install` with the key's file writes the unit again",
        ) from error
