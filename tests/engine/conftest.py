"""The shared server, as tests of the requests library see it."""

from __future__ import annotations

import pytest

from tests.conftest import Served


@pytest.fixture(scope="session")
def engine_server(served: Served) -> Served:
    """Something with `.url` and `.served_name`."""
    return served
