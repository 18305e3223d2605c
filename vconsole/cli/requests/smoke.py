"""smoke: the one-key check, as a command."""

from __future__ import annotations

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.servers.follow import follow
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import SmokeCheck, SmokeReport


@click.command(epilog="Example: vconsole smoke && echo serving")
@server_name
@json_output
def smoke(name: str, as_json: bool) -> int:
    """Check that the server really answers; exit code 1 if a check fails."""
    report = run_smoke_test(reach_supervisor(), name)
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(report_lines(report)))
    return int(ExitCode.DONE if report.passed else ExitCode.FAILED)


def run_smoke_test(client: SupervisorClient, name: str) -> SmokeReport:
    """Have the supervisor run it; a report that did not pass is still a report."""
    operation = client.smoke(name)
    try:
        follow(client, operation)
    except VConsoleError as error:
        if error.kind != "smoke_failed":
            raise
    report = client.status(name).smoke
    if report is None:
        raise VConsoleError("the smoke test left no report", "run it again: vconsole smoke")
    return report


def report_lines(report: SmokeReport) -> list[str]:
    """Each check, the verdict, and how it compares with the last good run."""
    verdict = "passed" if report.passed else "NOT passed"
    lines = [*map(_check_line, report.checks), f"smoke test {verdict} in {report.seconds:.1f} s"]
    if report.slower and report.before_at and report.before_seconds is not None:
        names = ", ".join(report.slower)
        lines.append(
            f"slower by half than the last good run ({report.before_at:%Y-%m-%d %H:%M} UTC,"
            f" {report.before_seconds:.1f} s): {names}"
        )
    return lines


def _check_line(check: SmokeCheck) -> str:
    mark = "✓" if check.passed else "✕"
    before = f" (was {check.before_ms:.0f})" if check.slower else ""
    return f"{mark} {check.name:<16}{check.ms:8.0f} ms{before}  {check.detail}"
