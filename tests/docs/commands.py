"""The commands that README and docs show, and where one is tested that does not run beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MADE_FROM_THE_CODE = {"commands.md", "keys.md"}
# A `#` that begins a comment stands behind blanks, and no quote is open before it.
COMMENT = re.compile(r"""^((?:[^'"#]|'[^']*'|"[^"]*")*?)(?:\s+|^)#.*$""")


@dataclass(frozen=True)
class Shown:
    """A command line as a page shows it."""

    page: str
    line: str


def shown_commands() -> tuple[Shown, ...]:
    """Every line of every shell block, without comments; `a ; b` are two."""
    return tuple(dict.fromkeys(_shown()))


def _shown() -> Iterator[Shown]:
    for path in pages():
        for language, block in BLOCK.findall(path.read_text(encoding="utf-8")):
            for line in _lines(language, block):
                for one in line.split(" ; "):
                    yield Shown(str(path.relative_to(ROOT)), one.strip())


def pages() -> tuple[Path, ...]:
    written = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    return tuple(path for path in written if path.name not in MADE_FROM_THE_CODE)


def _lines(language: str, block: str) -> list[str]:
    lines = block.splitlines()
    if language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    elif language != "sh":
        return []
    return [line for line in map(_without_comment, lines) if line]


def _without_comment(line: str) -> str:
    found = COMMENT.match(line)
    return (found[1] if found else line).strip()


# What cannot run beside a server that others use: file and name of the test that runs it, forms.
ELSEWHERE = (
    (
        "tests/engine/test_promises.py",
        "test_every_promise_of_the_command_line_is_kept",
        ("make run( </dev/null)?", "vconsole restart"),
    ),
    (
        "tests/docs/test_commands.py",
        "test_make_knows_what_the_pages_name",
        ("make (test|check)",),
    ),
    (
        "tests/unit/faces/test_serve_web.py",
        "test_the_websocket_shows_the_console_and_takes_its_keys",
        ("ssh -L .*",),
    ),
    (
        "tests/unit/faces/test_serve_web.py",
        "test_without_the_extra_it_says_what_to_install",
        (r"pip install 'vconsole\[web\]'",),
    ),
    (
        "tests/engine/test_life.py",
        "test_stop_leaves_no_process_and_a_free_port",
        (r"(\.venv/bin/)?vconsole stop( --drain 60)?",),
    ),
    (
        "tests/engine/test_commands.py",
        "test_start_reports_the_ready_server",
        (r"vconsole start \S+( --served-name chat)?",),
    ),
    (
        "tests/engine/test_fit.py",
        "test_another_model_length_and_size_of_the_cache_are_predicted_exactly_too",
        (r"vconsole start \S+ -- --max-model-len 8192",),
    ),
    (
        "tests/engine/test_two_servers.py",
        "test_each_answers_as_itself",
        (
            "vconsole start (big --name big|small --name small)",
            "vconsole status --name small",
        ),
    ),
    (
        "tests/engine/test_swap.py",
        "test_a_swap_pulls_while_the_old_one_serves_and_keeps_port_and_url",
        ("vconsole swap (chat|demo-owl)",),
    ),
    (
        "tests/engine/test_sleep.py",
        "test_a_swap_back_wakes_the_very_process_and_it_answers_as_before",
        ("vconsole swap demo-lark",),
    ),
    (
        "tests/engine/test_bench.py",
        "test_another_server_beside_ours_cold_and_warm_one_by_one_and_together",
        ("vconsole bench( --json)?", "vconsole bench --against .*"),
    ),
    (
        "tests/engine/test_bench.py",
        "test_arrivals_by_chance_with_lengths_as_the_server_was_asked",
        ("vconsole bench --rate .*",),
    ),
    (
        "tests/engine/test_bench.py",
        "test_a_planted_bad_profile_is_told_by_swapping_between_them",
        ("vconsole bench --profiles .*",),
    ),
    (
        "tests/batch/test_bench_jobs.py",
        "test_a_sweep_from_start_to_end_with_all_its_files",
        ("vconsole bench --(concurrency|csv) .*", "vconsole bench show .*"),
    ),
    (
        "tests/batch/test_bench_jobs.py",
        "test_two_are_compared_and_one_is_forgotten",
        ("vconsole bench (compare|rm) .*",),
    ),
    (
        "tests/batch/test_bench_jobs.py",
        "test_cancelled_it_keeps_what_was_measured_and_resumed_measures_the_rest",
        ("vconsole bench (cancel|resume) .*",),
    ),
    (
        "tests/engine/test_tune.py",
        "test_a_planted_bad_setting_is_found_and_the_old_profile_is_a_command_away",
        ("vconsole tune .*",),
    ),
    (
        "tests/engine/test_prove.py",
        "test_interrupted_it_gives_all_back_and_goes_on_to_a_card",
        ("vconsole prove .*",),
    ),
    (
        "tests/engine/test_foreign.py",
        "test_adopted_it_is_a_server_like_any_other",
        ("vconsole adopt PID",),
    ),
    (
        "tests/systemd/test_service.py",
        "test_a_server_is_handed_over_and_lives_through_the_supervisors_death",
        (r"vconsole service (install (chat|PROFILE)|status|journal -f)",),
    ),
    (
        "tests/systemd/test_ollama.py",
        "test_each_rung_and_its_undoing",
        ("vconsole ollama (unload|disable|restore)",),
    ),
    (
        "tests/engine/test_upgrade.py",
        "test_it_is_tried_before_it_takes_over_and_a_rollback_is_one_command",
        (r"vconsole engine (upgrade|rollback|remove 0\.31\.0-cpu)",),
    ),
    (
        "tests/hub/test_cache.py",
        "test_search_finds_by_name_and_marks_what_is_here",
        ("vconsole models search mistral awq",),
    ),
    (
        "tests/hub/test_pull.py",
        "test_a_pull_brings_what_vllm_needs_and_says_the_verdict_first",
        ("vconsole models pull OWNER/NAME",),
    ),
    (
        "tests/hub/test_pull.py",
        "test_a_pull_is_seen_in_status_and_steps_back",
        ("vconsole models cancel ID",),
    ),
    (
        "tests/hub/test_cache.py",
        "test_rm_asks_says_what_it_frees_and_frees_it",
        ("vconsole models rm OWNER/NAME",),
    ),
    (
        "tests/hub/test_cache.py",
        "test_refresh_fills_in_and_never_overwrites",
        (r"vconsole models refresh \[OWNER/NAME\]",),
    ),
    (
        "tests/engine/test_ask.py",
        "test_a_schema_is_kept_to",
        (r"vconsole ask .* --schema ok.json \| jq .ok",),
    ),
    (
        "tests/systemd/test_service_shared.py",
        "test_who_is_not_root_is_shown_what_root_would_do",
        ("vconsole service install chat --system --print",),
    ),
    (
        "tests/engine/test_ask.py",
        "test_a_tool_call_is_printed_as_one",
        ("vconsole ask .* --tools tools.json",),
    ),
    (
        "tests/unit/requests/test_attachments.py",
        "test_urls_stay_and_files_become_data",
        ("vconsole ask .* --image .*",),
    ),
)


def elsewhere(line: str) -> bool:
    """Whether another test runs a command like this one."""
    return any(re.fullmatch(form, line) for _, _, forms in ELSEWHERE for form in forms)


def here() -> tuple[Shown, ...]:
    """What `test_commands_run.py` runs: each line once, on the first page that has it."""
    first = {each.line: each for each in reversed(shown_commands()) if not elsewhere(each.line)}
    return tuple(each for each in shown_commands() if first.get(each.line) == each)


INLINE = re.compile(r"`(?:\.venv/bin/)?(vconsole(?: [^`\n]*)?)`")


def inline_commands(text: str) -> Iterator[str]:
    """Commands in the middle of a sentence, between backticks."""
    yield from INLINE.findall(text)
