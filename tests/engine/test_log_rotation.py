"""Rotation under a real vLLM: its log is archived while it writes, and it never notices."""

from __future__ import annotations

import pytest

from tests.conftest import Served
from tests.support.home import wait_until

pytestmark = pytest.mark.engine


def test_the_log_of_a_serving_engine_is_archived_and_goes_on(served: Served) -> None:
    folder = served.home.state / "servers" / "main"
    config = served.home.root / "config" / "vconsole" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    before = served.home.run("logs", "-n", "100000").out
    pid = served.home.status()["server"]["pid"]
    limit_bytes = (folder / "server.log").stat().st_size // 2
    config.write_text(f"[supervisor]\nlog_rotate_bytes = {limit_bytes}\n")
    try:
        wait_until("an archive", lambda: list(folder.glob("server.log.*.gz")), 20)
    finally:
        config.unlink()
    archived = (folder / "server.log").stat()
    assert archived.st_size > archived.st_blocks * 512
    assert served.home.run("ask", "Who are you?", "--max-tokens", "8").code == 0
    wait_until("a new line", lambda: (folder / "server.log").stat().st_size > archived.st_size)
    assert served.home.status()["server"]["pid"] == pid
    assert served.home.run("logs", "-n", "100000").out.startswith(before)
    assert served.home.run("diagnose", "--json").data["cause"] == "healthy"
