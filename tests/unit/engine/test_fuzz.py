"""Whatever stands in a file, a log or a body: nothing but our own error ever comes of it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vconsole import paths
from vconsole import settings as our_settings
from vconsole.engine.log.failures import Severity, diagnose
from vconsole.engine.log.logline import parse
from vconsole.engine.log.phases import PHASES, PhaseTracker
from vconsole.errors import VConsoleError
from vconsole.models.profiles import load_profiles
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import ServerRecord

FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TOML = st.text() | st.lists(
    st.sampled_from(
        [
            "[server]",
            "[ui]",
            "port = ",
            "8000",
            "'x'",
            "true",
            "\n",
            "=",
            "[[a]]",
            "1979-05-27",
            "{",
        ]
    )
).map("".join)
WORDS = st.sampled_from(
    [
        *("Traceback (most recent call last):", "ValueError: ", "CUDA out of memory", "ERROR "),
        *("(EngineCore pid=1) ", "11-23 20:58:53 [core.py:1] ", "\x1b[31m", "\r", '{"message": '),
        *(
            "Application startup complete",
            "non-default args: {}",
            "shards: 50% Completed",
            "\ud800",
        ),
    ]
)
LINES = st.lists(st.lists(WORDS | st.text(max_size=20), max_size=6).map("".join), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@FILES
@given(TOML)
def test_settings(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, errors="replace")
    with contextlib.suppress(VConsoleError):
        assert our_settings.load(file, {}).server.port is not None
        our_settings.unknown_keys(file)


@FILES
@given(TOML)
def test_profiles(tmp_path: Path, text: str) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(text, errors="replace")
    with contextlib.suppress(VConsoleError):
        assert isinstance(load_profiles(file), dict)


@FILES
@given(st.binary() | JSON.map(msgspec.json.encode))
def test_records(content: bytes) -> None:
    paths.private_folder(paths.server_dir("main"))
    for file in record.record_path("main").parent.glob("record.json*"):
        file.unlink()
    record.record_path("main").write_bytes(content)
    assert isinstance(record.load("main"), ServerRecord)


@example(['{"message": \ud800'])
@given(LINES)
def test_log_lines(lines: list[str]) -> None:
    tracker = PhaseTracker()
    for at_s, line in enumerate(lines):
        parsed = parse(line)
        assert parsed.raw == line
        tracker.feed(parsed.message, at_s)
        assert tracker.current in PHASES


@settings(deadline=None)
@given(LINES)
def test_diagnosis(lines: list[str]) -> None:
    found = diagnose(lines)
    assert found.severity in Severity
    assert found.evidence is None or 1 <= found.evidence.line <= max(1, len(lines))
