"""Who may reach a server, and that keys never reach a command line."""

from __future__ import annotations

import pytest

from vconsole.engine.command.secrets import without_secrets
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.servers.starts.exposure import require_safe, warnings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "", "gpu-box"])
def test_an_open_bind_needs_a_key(host: str) -> None:
    with pytest.raises(VConsoleError) as raised:
        require_safe(host, {})
    assert raised.value.exit_code is ExitCode.REFUSED
    require_safe(host, {"VLLM_API_KEY": "k"})
    assert "does not guard" in warnings(host)[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    require_safe(host, {})
    assert warnings(host) == ()


def test_development_routes_are_refused() -> None:
    with pytest.raises(VConsoleError, match="VLLM_SERVER_DEV_MODE"):
        require_safe("127.0.0.1", {"VLLM_SERVER_DEV_MODE": "1"})
    require_safe("127.0.0.1", {"VLLM_SERVER_DEV_MODE": "0"})


@pytest.mark.parametrize(
    "given", [("--api-key", "s3cret"), ("--api-key=s3cret",), ("--api_key", "s3cret")]
)
def test_a_key_given_as_a_flag_goes_into_the_environment(given: tuple[str, ...]) -> None:
    flags, environment = without_secrets(("--max-model-len", "9", *given, "--enforce-eager"))
    assert flags == ("--max-model-len", "9", "--enforce-eager")
    assert environment == {"VLLM_API_KEY": "s3cret"}


def test_a_flag_without_its_value_raises_nothing() -> None:
    assert without_secrets(("--hf-token",)) == ((), {})
