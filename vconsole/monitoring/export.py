"""Writing the files into a folder; what a person changed there is not overwritten unasked."""

from __future__ import annotations

import json
import string
from pathlib import Path

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.monitoring.dashboard import dashboard
from vconsole.monitoring.rule_tests import rule_tests
from vconsole.monitoring.targets import Targets


class _Template(string.Template):
    """`@name`, since `$` belongs to Prometheus."""

    delimiter = "@"


def exported(targets: Targets) -> dict[str, str]:
    """Every file by its name below the folder."""
    level = targets.level
    values = {
        "servers": ", ".join(f'"{server}"' for server in targets.servers),
        "supervisor": targets.supervisor,
        "ttft_p95_ms": f"{level.ttft_p95_ms:g}",
        "itl_p95_ms": f"{level.itl_p95_ms:g}",
        "ttft_p95_s": f"{level.ttft_p95_ms / 1000:g}",
        "itl_p95_s": f"{level.itl_p95_ms / 1000:g}",
        "error_ratio": f"{level.error_ratio:g}",
    }
    plain = ("prometheus.yml", "rules.yml", "grafana-datasource.yml", "grafana-dashboards.yml")
    folder = paths.resources_dir() / "monitoring"
    files = {name: _Template((folder / name).read_text()).substitute(values) for name in plain}
    files["rules_test.json"] = json.dumps(rule_tests(level), indent=1) + "\n"
    files["grafana-vconsole.json"] = json.dumps(dashboard(), indent=1) + "\n"
    return files


def write(folder: Path, files: dict[str, str], force: bool = False) -> tuple[Path, ...]:
    """Write them all or none: a file that is there and differs is an error unless `force`."""
    changed = [
        name
        for name, content in files.items()
        if (folder / name).exists() and (folder / name).read_text(errors="replace") != content
    ]
    if changed and not force:
        raise VConsoleError(
            f"{folder} has other contents in {', '.join(sorted(changed))}",
            "choose another folder, or --force to replace them",
            ExitCode.REFUSED,
            kind="would_overwrite",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content)
    except OSError as error:
        raise VConsoleError(
            f"cannot write to {folder}: {error.strerror}", "choose a folder that you may write to"
        ) from error
    return tuple(folder / name for name in files)
