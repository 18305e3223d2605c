"""What all tests share: isolation from the developer's own vconsole, and one real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.home import Home, Ran, free_port, shared_engine


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only root can do where we are not root; CI is root and leaves out nothing."""
    if os.geteuid() == 0 or "CI" in os.environ:
        return
    for_root = [i for i in items if i.get_closest_marker("root") or i.get_closest_marker("systemd")]
    items[:] = [item for item in items if item not in for_root]
    config.hook.pytest_deselected(items=for_root)


@pytest.fixture(scope="session")
def engine_python() -> str:
    return shared_engine()


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("VCONSOLE_")]:
        monkeypatch.delenv(name)
    for kind in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))


@dataclass(frozen=True)
class Served:
    """A home whose server `main` is ready, with what its start printed."""

    home: Home
    start: Ran
    url: str
    served_name: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Served]:
    """One real vLLM with a demo model, started by the command and shared by all who only use it."""
    home = Home(tmp_path_factory.mktemp("served"), engine_python)
    home.env["VCONSOLE_MONITORING_PORT"] = str(free_port())
    try:
        start = home.run("start", "demo", "--json", "--port", str(free_port()))
        assert start.code == 0, start.err
        yield Served(home, start, start.data["url"], start.data["served_name"])
    finally:
        home.close()


@pytest.fixture
def home(tmp_path: Path, engine_python: str) -> Iterator[Home]:
    """A fresh user with nothing running."""
    made = Home(tmp_path, engine_python)
    yield made
    made.close()
