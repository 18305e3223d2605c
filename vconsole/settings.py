"""Settings: built-in defaults, then `config.toml`, then `VCONSOLE_*` in the environment.

Each value knows where it came from, so that `vconsole config show` can say so.
"""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError

# A table of words: the names of what is set, each with its values in order.
Table = Mapping[str, tuple[str, ...]]
Value = str | int | bool | float | Table
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class UiSettings:
    """`[ui]`: how the console looks and is driven."""

    theme: str = _option("vconsole-dark", "name of the console's theme")
    mouse: bool = _option(True, "whether the console uses the mouse")
    ascii: bool = _option(False, "draw with ASCII only, for terminals with poor glyphs")
    keymap: Table = field(
        default_factory=dict,
        metadata={"help": "your own keys, by the ids of docs/keys.md; [] for no key"},
    )


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`[engine]`: which vLLM is used."""

    python: str = _option("", "Python of the environment with vLLM; empty looks for one")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`[server]`: how a vLLM is started, ended and kept ready."""

    host: str = _option("127.0.0.1", "address that vLLM binds to")
    port: int = _option(8000, "port that vLLM listens on")
    api_key_file: str = _option("", "file (mode 0600) with the API key that vLLM asks for")
    drain_s: int = _option(15, "seconds that requests in flight get when it stops")
    standby: bool = _option(False, "keep an engine waiting, so that a swap has nothing to import")
    sleeping_models: int = _option(0, "models that stay asleep in memory after a swap; 0 for none")
    sleeping_bytes: int = _option(0, "memory that they may hold at most; 0 for as much as is free")


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """`[supervisor]`: the background process itself."""

    idle_exit_s: int = _option(600, "seconds without server or client after which it ends")
    log_rotate_bytes: int = _option(64 << 20, "size at which a log is archived; 0 for never")
    log_keep_archives: int = _option(5, "archives to keep of a log, at least one")
    group: str = _option("", "group whose members may act; then everybody may look")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`[models]`: where models lie."""

    folders: str = _option(
        "", "folders with models besides the Hugging Face cache, separated by `:`"
    )


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """`[prices]`: what an hour of this machine costs, in one currency."""

    kwh: float = _option(0.0, "price of a kWh; 0 for unknown")
    hardware_per_hour: float = _option(0.0, "price of an hour of this machine; 0 for none")
    hardware_price: float = _option(0.0, "what this machine cost, if hardware_per_hour is 0")
    hardware_years: float = _option(4.0, "years over which that is spread")
    currency: str = _option("", "currency of the prices, such as EUR")


@dataclass(frozen=True, slots=True)
class ServiceLevelSettings:
    """`[service_level]`: what is promised to users, and how often."""

    ttft_p95_ms: float = _option(1000.0, "TTFT that 95 of 100 requests should stay below")
    itl_p95_ms: float = _option(100.0, "ITL that 95 of 100 tokens should stay below")
    error_ratio: float = _option(0.01, "share of requests that may fail, 0 to 1")


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """`[monitoring]`: what vconsole says of itself to Prometheus."""

    port: int = _option(0, "loopback port for vconsole's own metrics; 0 for the socket only")


@dataclass(frozen=True, slots=True)
class Settings:
    """All tables of `config.toml`, each value from the last source that names it."""

    ui: UiSettings = field(default_factory=UiSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    supervisor: SupervisorSettings = field(default_factory=SupervisorSettings)
    prices: PriceSettings = field(default_factory=PriceSettings)
    service_level: ServiceLevelSettings = field(default_factory=ServiceLevelSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting with its origin: `built in`, the file's path, or the variable's name."""

    key: str
    value: Value
    origin: str
    help: str


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an unreadable file or a wrong value is a usage error naming both."""
    values = explain(path, environ)
    by_section: dict[str, dict[str, Any]] = {}
    for value in values:
        section, _, name = value.key.partition(".")
        by_section.setdefault(section, {})[name] = value.value
    return Settings(
        ui=UiSettings(**by_section["ui"]),
        engine=EngineSettings(**by_section["engine"]),
        server=ServerSettings(**by_section["server"]),
        models=ModelSettings(**by_section["models"]),
        supervisor=SupervisorSettings(**by_section["supervisor"]),
        prices=PriceSettings(**by_section["prices"]),
        service_level=ServiceLevelSettings(**by_section["service_level"]),
        monitoring=MonitoringSettings(**by_section["monitoring"]),
    )


def explain(
    path: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[SettingValue, ...]:
    """Every setting with its value and origin, in the order of their declaration."""
    path = path or paths.config_file()
    environ = os.environ if environ is None else environ
    tables = _read(path)
    values = []
    for section in dataclasses.fields(Settings):
        declared = getattr(Settings(), section.name)
        for option in dataclasses.fields(declared):
            key = f"{section.name}.{option.name}"
            given, origin = _given(key, tables, path, environ)
            default = getattr(declared, option.name)
            value = default if given is None else _typed(key, given, default, origin)
            values.append(SettingValue(key, value, origin, option.metadata["help"]))
    return tuple(values)


def unknown_keys(path: Path | None = None) -> tuple[str, ...]:
    """Keys of the file that no setting answers to: typing errors, mostly."""
    known = {value.key for value in explain(path, {})}
    tables = _read(path or paths.config_file())
    found = [
        f"{section}.{name}"
        for section, table in tables.items()
        for name in (table if isinstance(table, dict) else {"": None})
    ]
    return tuple(key.rstrip(".") for key in found if key not in known)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise VConsoleError(
            f"cannot read the settings {path}: {error}",
            "fix or move that file; without it the built-in settings apply",
            ExitCode.USAGE,
        ) from error


def _given(
    key: str, tables: dict[str, Any], path: Path, environ: Mapping[str, str]
) -> tuple[Any, str]:
    section, _, name = key.partition(".")
    variable = f"VCONSOLE_{section}_{name}".upper()
    if variable in environ:
        return environ[variable], variable
    table = tables.get(section)
    if isinstance(table, dict) and name in table:
        return table[name], str(path)
    return None, "built in"


def _typed(key: str, given: Any, default: Value, origin: str) -> Value:
    wanted = type(default)
    if wanted is dict:
        return _table_of(key, given, origin)
    if type(given) is wanted:
        return given
    if isinstance(given, str) and wanted is bool and given.lower() in TRUE_WORDS | FALSE_WORDS:
        return given.lower() in TRUE_WORDS
    if isinstance(given, str) and wanted is int and given.lstrip("-").isdecimal():
        return int(given)
    if wanted is float and (number := _finite(given)) is not None:
        return number
    raise VConsoleError(
        f"{key} must be of type {wanted.__name__}, not {given!r} ({origin})",
        f"set {key} to a value such as {default!r}",
        ExitCode.USAGE,
    )


def _table_of(key: str, given: Any, origin: str) -> Table:
    """Of `{ id = "word" }` or `{ id = ["word", ...] }`, or of `id=word,id=word`.

    A dotted name that TOML takes for a table within a table is put together again.
    """
    pairs = _pairs(given) if isinstance(given, str) else given
    table: dict[str, tuple[str, ...]] = {}
    if not isinstance(pairs, dict):
        raise _no_table(key, pairs, origin)
    for name, words in pairs.items():
        if isinstance(words, dict):
            within = _table_of(key, words, origin)
            table |= {f"{name}.{rest}": values for rest, values in within.items()}
        elif isinstance(words, str):
            table[name] = (words,)
        elif isinstance(words, list) and all(isinstance(word, str) for word in words):
            table[name] = tuple(words)
        else:
            raise _no_table(key, {name: words}, origin)
    return table


def _no_table(key: str, given: Any, origin: str) -> VConsoleError:
    return VConsoleError(
        f"{key} must be a table of words, not {given!r} ({origin})",
        'such as { "an.id" = "word", "another.id" = ["word", "word"] }; the environment takes'
        " an.id=word,another.id=word",
        ExitCode.USAGE,
    )


def _pairs(text: str) -> dict[str, Any]:
    """Of `id=word,id=word`: an id that comes again gets both words, one without a word none."""
    pairs: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, given, word = (each.strip() for each in part.partition("="))
        if not given:
            return {part: None}
        pairs.setdefault(name, []).extend([word] if word else [])
    return pairs


def _finite(given: Any) -> float | None:
    """A number of the file or of the environment; None where it is none."""
    try:
        number = float(given) if isinstance(given, str | int) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
