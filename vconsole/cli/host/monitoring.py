"""monitoring: what Prometheus and Grafana need to watch this host, as files."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from vconsole import settings
from vconsole.cli.options import json_output
from vconsole.cli.output import print_json, say
from vconsole.monitoring.export import exported, write
from vconsole.monitoring.targets import ServiceLevel, Targets
from vconsole.supervisor.autostart import running_supervisor

USUAL_PORT = 9101


@click.group(epilog="Example: vconsole monitoring export /etc/prometheus/vconsole")
def monitoring() -> None:
    """Files for Prometheus and Grafana: scrape jobs, rules with their tests, a dashboard."""


@monitoring.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace files that you changed.")
@json_output
def export(folder: Path, force: bool, as_json: bool) -> None:
    """Write the files to FOLDER, for the servers known here and the service level in settings."""
    chosen = settings.load()
    level = ServiceLevel(
        chosen.service_level.ttft_p95_ms,
        chosen.service_level.itl_p95_ms,
        chosen.service_level.error_ratio,
    )
    port = chosen.monitoring.port or USUAL_PORT
    servers = _servers() or (f"127.0.0.1:{chosen.server.port}",)
    files = write(folder, exported(Targets(servers, f"127.0.0.1:{port}", level)), force)
    if as_json:
        print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        click.echo(str(file))
    if not chosen.monitoring.port:
        say(f"vconsole's own metrics need a port: [monitoring] port = {port} in the settings")
    say(f"check them: promtool test rules {folder / 'rules_test.json'}")


def _servers() -> tuple[str, ...]:
    """Where the known servers listen; none where no supervisor runs."""
    client = running_supervisor()
    if client is None:
        return ()
    return tuple(urlsplit(one.url).netloc for one in client.status().servers if one.url)
