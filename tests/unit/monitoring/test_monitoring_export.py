"""What `monitoring export` writes, judged by Prometheus's own promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vconsole.errors import VConsoleError
from vconsole.monitoring.export import exported, write
from vconsole.monitoring.rule_tests import cases
from vconsole.monitoring.targets import ServiceLevel, Targets

LEVELS = (ServiceLevel(1000, 100, 0.01), ServiceLevel(250, 20, 0.001))


def targets(level: ServiceLevel) -> Targets:
    return Targets(("127.0.0.1:8000", "127.0.0.1:8001"), "127.0.0.1:9101", level)


def promtool(folder: Path, *arguments: str) -> str:
    program = shutil.which("promtool")
    assert program, "Debian's prometheus is needed: apt-get install prometheus"
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("level", LEVELS)
def test_promtool_takes_the_rules_and_their_tests_pass(tmp_path: Path, level: ServiceLevel) -> None:
    write(tmp_path, exported(targets(level)))
    promtool(tmp_path, "check", "config", "prometheus.yml")
    promtool(tmp_path, "check", "rules", "rules.yml")
    assert "SUCCESS" in promtool(tmp_path, "test", "rules", "rules_test.json")


def test_each_alert_has_a_case_where_it_fires_and_one_where_it_must_not() -> None:
    rules = exported(targets(LEVELS[0]))["rules.yml"]
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    table = cases(LEVELS[0])
    assert alerts == {case.alert for case in table if case.fires}
    assert alerts == {case.alert for case in table if not case.fires}


def test_a_rule_that_never_fires_would_be_noticed(tmp_path: Path) -> None:
    files = exported(targets(LEVELS[0]))
    files["rules.yml"] = files["rules.yml"].replace('up{job="vllm"} == 0', 'up{job="vllm"} == 7')
    write(tmp_path, files)
    with pytest.raises(AssertionError, match="VllmDown"):
        promtool(tmp_path, "test", "rules", "rules_test.json")


def test_the_dashboard_names_a_source_that_is_provisioned(tmp_path: Path) -> None:
    files = exported(targets(LEVELS[0]))
    board = json.loads(files["grafana-vconsole.json"])
    used = {panel["datasource"]["uid"] for panel in board["panels"]}
    assert used == {re.search(r"uid: (\S+)", files["grafana-datasource.yml"])[1]}  # type: ignore[index]


def test_what_a_person_changed_is_not_overwritten_unasked(tmp_path: Path) -> None:
    files = exported(targets(LEVELS[0]))
    write(tmp_path, files)
    assert len(write(tmp_path, files)) == len(files)
    (tmp_path / "rules.yml").write_text("mine")
    with pytest.raises(VConsoleError, match=r"rules\.yml"):
        write(tmp_path, files)
    assert (tmp_path / "rules.yml").read_text() == "mine"
    write(tmp_path, files, force=True)
    assert (tmp_path / "rules.yml").read_text() == files["rules.yml"]
