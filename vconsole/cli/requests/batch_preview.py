"""What a preview shows, and where it asks."""

from __future__ import annotations

import os

from vconsole.cli.output import duration, figure
from vconsole.cli.reaching import reach_supervisor
from vconsole.requests.batch.preview import Preview


def where(name: str, url: str | None) -> tuple[str, str | None]:
    """Address and key of the server to ask."""
    from vconsole.supervisor.jobs.reach import address_and_key

    if url:
        return url, os.environ.get("VLLM_API_KEY")
    return address_and_key(reach_supervisor().server(name))


def preview_lines(found: Preview) -> list[str]:
    lines = [f"{found.good:,} good requests of {found.total:,} lines"]
    lines += [f"  line {bad.number}: {bad.message}" for bad in found.bad]
    if found.bad_total > len(found.bad):
        lines.append(f"  and {found.bad_total - len(found.bad):,} more bad lines")
    lines += [f"  line {bad.number}: {bad.message}" for bad in found.too_long]
    if found.too_long_more:
        lines.append("  and maybe more that are too long")
    for answer in found.answers:
        said = answer.error and f"FAILED: {answer.error}"
        text = said or " ".join((answer.answer or "(empty)").split())
        lines.append(f"{answer.custom_id}  {text[:200]}")
    lines.append(
        f"expected: {figure(found.expected_prompt_tokens)} prompt and "
        f"{figure(found.expected_generation_tokens)} generated tokens, "
        f"{duration(found.expected_s)} at {found.at_once} at once (more are faster)"
    )
    if found.cost is not None:
        lines.append(f"cost: about {found.cost:,.2f} {found.currency}".rstrip())
    if found.expected_output_bytes is not None:
        needed, free = found.expected_output_bytes / 1e6, found.disk_free_bytes / 1e6
        verdict = "it fits" if found.fits_disk else "IT DOES NOT FIT"
        lines.append(f"output: about {needed:,.1f} MB, {free:,.0f} MB free: {verdict}")
    return lines
