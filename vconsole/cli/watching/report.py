"""report: what happened while nobody looked, on a short page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from vconsole import settings
from vconsole.cli.options import any_server, json_output
from vconsole.cli.output import duration, figure, print_json
from vconsole.cli.reaching import running_supervisor
from vconsole.cli.watching.events import event_line
from vconsole.cli.watching.level_lines import cost_lines, level_lines
from vconsole.cli.watching.since import parse_since
from vconsole.supervisor.telling.report_model import FailureNote, Report, Served

SHOWN = 8


@click.command(epilog="Example: vconsole report --since 2d --json | jq .failures")
@click.option(
    "--since",
    default="24h",
    show_default=True,
    metavar="T",
    help="Start at: 2h (ago), 3d, 2026-11-23, an RFC 3339 time.",
)
@any_server
@json_output
def report(since: str, name: str | None, as_json: bool) -> None:
    """Sum up what was served, what failed and was restarted, what it cost, and what to do."""
    page = make(parse_since(since, datetime.now(UTC)), name)
    if as_json:
        print_json(page)
    else:
        click.echo("\n".join(report_lines(page)))


def make(since: datetime, name: str | None) -> Report:
    """The report, whether a supervisor runs or not."""
    if client := running_supervisor():
        return client.report(since, name)
    from vconsole.supervisor.memory.stored import stored_report

    return stored_report(since, name, settings.load().prices)


def report_lines(page: Report) -> list[str]:
    """The page for people, most important first."""
    since = page.since_at.astimezone().strftime("%Y-%m-%d %H:%M")
    span = duration((page.until_at - page.since_at).total_seconds())
    lines = [f"since {since} ({span})", *_served_lines(page.served)]
    lines += _at_most(
        "restarts", [f"{_at(one.at)} {one.server}: {one.why}" for one in page.restarts]
    )
    lines += _at_most("failures", [_failure(one) for one in page.failures])
    lines += _at_most("notable", [event_line(one) for one in page.notable])
    lines += _energy_lines(page)
    lines += level_lines(page.levels, explain=True)
    lines += [f"  ▸ {line}" for line in page.advice]
    if not (page.restarts or page.failures or page.notable or page.advice):
        lines.append("  ✓ nothing went wrong")
    return lines


def _served_lines(served: Served) -> Iterator[str]:
    ends = ", ".join(f"{count:,} {reason}" for reason, count in sorted(served.finished.items()))
    yield f"  served   {served.requests:,} requests{f' ({ends})' if ends else ''}"
    yield (
        f"  tokens   {served.generation_tokens:,} generated, {served.prompt_tokens:,} of prompts, "
        f"in {duration(served.serving_s)} of serving"
    )


def _energy_lines(page: Report) -> Iterator[str]:
    if page.energy_wh is not None:
        yield f"  energy   {figure(page.energy_wh, ' Wh', 1)}"
    if page.costs is not None:
        yield from cost_lines(page.costs)


def _at_most(word: str, lines: list[str]) -> Iterator[str]:
    """The latest of `lines` under a heading, with how many more there are."""
    if not lines:
        return
    yield f"  {word} {len(lines)}"
    yield from (f"    {line}" for line in lines[-SHOWN:])
    if len(lines) > SHOWN:
        yield f"    and {len(lines) - SHOWN} before those (`vconsole events`)"


def _failure(failure: FailureNote) -> str:
    remedy = f"; {failure.remedy}" if failure.remedy else ""
    return f"{_at(failure.at)} {failure.server}: {failure.message} ({failure.cause}){remedy}"


def _at(at: datetime) -> str:
    return at.astimezone().strftime("%m-%d %H:%M")
