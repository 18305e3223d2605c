"""When a console watched last, as the next one is told."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vconsole.supervisor.telling.attendance import Attendance


def since(at: datetime | None) -> float:
    assert at is not None
    return (datetime.now(UTC) - at).total_seconds()


def test_the_first_console_ever_is_told_of_none(tmp_path: Path) -> None:
    assert Attendance(tmp_path / "seen").enter() is None


def test_an_absence_is_told_to_the_next_supervisor_too(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    first = Attendance(path)
    first.enter()
    first.leave()
    two_hours_ago = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    os.utime(path, (two_hours_ago, two_hours_ago))
    assert 7199 < since(Attendance(path).enter()) < 7210


def test_a_console_that_watches_still_is_the_present(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    attendance = Attendance(path)
    attendance.enter()
    os.utime(path, (0, 0))
    assert since(attendance.enter()) < 5
    attendance.leave()
    attendance.leave()
    assert since(attendance.enter()) < 5


def test_a_folder_that_is_gone_hurts_nobody(tmp_path: Path) -> None:
    attendance = Attendance(tmp_path / "gone" / "seen")
    assert attendance.enter() is None
    attendance.leave()
    assert attendance.enter() is None
