"""The pages are what the code says, the site builds without a warning, and `man` finds its page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.reference import pages
from vconsole.cli.app import COMMANDS
from vconsole.engine.log.failure_rules import rule_book

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BIN = Path(sys.executable).parent
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


@pytest.mark.parametrize("name", pages())
def test_a_page_made_from_the_code_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run: make reference"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """Every page is in the table of contents and every link leads somewhere, or it fails."""
    built = subprocess.run(
        [str(BIN / "mkdocs"), "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")
    assert "Start here" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize("name", TOP)
def test_links_of_the_top_pages_lead_to_files(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    missing = [to for to in LINK.findall(text) if not (ROOT / to).exists()]
    assert missing == []


def test_the_readme_counts_the_causes_that_are_known() -> None:
    """Not more than there are, and not so few that the page is out of date."""
    said = re.search(r"More than (\d+) causes", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert said
    assert int(said[1]) <= len({rule.cause for rule in rule_book().rules}) < int(said[1]) + 20


def _man(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    variables.pop("MANPATH", None)
    return subprocess.run(
        ["man", *arguments], env=variables, capture_output=True, text=True, check=False
    )


def test_the_manual_page_is_clean_and_has_every_command() -> None:
    shown = _man("--warnings", "--local-file", str(DOCS / "vconsole.1"))
    assert (shown.returncode, shown.stderr) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^ +vconsole {command}\b", shown.stdout, re.MULTILINE), command
    for section in ("EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert f"\n{section}\n" in shown.stdout


def test_man_finds_the_page_that_the_installation_brought() -> None:
    """`share/man` beside the `bin` that is on the PATH: of a venv, of pipx, of a system."""
    found = _man("--where", "vconsole")
    assert found.stdout.strip() == str(BIN.parent / "share" / "man" / "man1" / "vconsole.1")
