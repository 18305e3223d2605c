"""A user whose Hub is the stand-in, and whose supervisor is real."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import Home
from tests.support.hub_stand_in import HubStandIn, Repository, hub_stand_in, model_files


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    small = Repository(model_files())
    locked = Repository(model_files(9_000), gated=True, license="llama3.1")
    with hub_stand_in(acme__small=small, acme__locked=locked) as made:
        yield made


@pytest.fixture
def user(tmp_path: Path, hub: HubStandIn) -> Iterator[Home]:
    made = Home(tmp_path, sys.executable)
    made.env |= {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hub")}
    made.env.pop("HF_TOKEN", None)
    yield made
    made.close()
