"""The supervisor's own log stays within its size, whoever writes to standard error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIMIT_BYTES = 4000
WRITER = """
import logging, os, sys
from pathlib import Path
from vconsole.supervisor.logs.own_log import OwnLog
path, limit = Path(sys.argv[1]), int(sys.argv[2])
logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[OwnLog(path, limit)])
for number in range(400):
    logging.info("line %d of the supervisor", number)
os.write(2, b"a traceback of the interpreter")
"""


def written(log: Path, stderr: Path) -> None:
    with stderr.open("ab") as file:
        words = (sys.executable, "-c", WRITER, str(log), str(LIMIT_BYTES))
        done = subprocess.run(words, stdout=file, stderr=file, check=False, timeout=60)
    assert done.returncode == 0, stderr.read_text()


def test_a_long_log_is_put_away_and_goes_on_in_a_new_file(tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    log.write_text("from the supervisor before\n" * 200)
    written(log, log)
    before = tmp_path / "supervisor.log.1"
    assert {file.name for file in tmp_path.iterdir()} == {log.name, before.name}
    both = before.read_text() + log.read_text()
    assert both.endswith("line 399 of the supervisor\na traceback of the interpreter")
    assert "from the supervisor before" not in both
    lines = [line for line in both.splitlines() if line.startswith("line ")]
    first = int(lines[0].split()[1])
    assert lines == [f"line {number} of the supervisor" for number in range(first, 400)]
    assert os.path.getsize(log) <= LIMIT_BYTES + 100
    assert os.path.getsize(before) <= LIMIT_BYTES + 100
    assert log.stat().st_mode & 0o777 == 0o600


def test_what_is_not_the_log_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "journal"
    (tmp_path / "supervisor.log").write_text("kept")
    written(tmp_path / "supervisor.log", elsewhere)
    assert (tmp_path / "supervisor.log").read_text() == "kept"
    assert elsewhere.read_text().count("\n") == 400
    written(tmp_path / "nowhere.log", elsewhere)
    assert elsewhere.read_text().count("\n") == 800


def test_a_log_that_another_supervisor_put_away_is_left_to_it(tmp_path: Path) -> None:
    log, before = tmp_path / "supervisor.log", tmp_path / "supervisor.log.1"
    before.write_text("from the supervisor before\n" * 200)
    written(log, before)
    assert log.read_text().endswith("line 399 of the supervisor\na traceback of the interpreter")
    assert os.path.getsize(log) <= LIMIT_BYTES + 100
    assert os.path.getsize(before) <= LIMIT_BYTES + 100
