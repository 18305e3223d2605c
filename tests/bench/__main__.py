"""`python -m tests.bench [NAME ...]`: measure what the goals are about, and say which are met."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.measure import Table
from vconsole import settings
from vconsole.engine.find import require_engine

BENCHMARKS = (
    *("commands", "console", "logs", "metrics", "diagnosis", "smoke", "supervisor", "swap"),
    *("client", "agreement", "batch", "fit"),
    *("million", "sharing"),
)


def main() -> None:
    asked = _parser().parse_args()
    load_before, tables = os.getloadavg()[0], []
    ground = Ground()
    try:
        for name in asked.names or BENCHMARKS:
            table = _benchmark(name)(ground)
            tables.append(table)
            print(report.as_text(table), end="\n\n", flush=True)
    finally:
        ground.close()
    engine = require_engine(settings.load())
    machine = report.read_machine(load_before, f"{engine.version} {engine.device}")
    print("\n".join(machine.lines()))
    if asked.json:
        asked.json.write_text(json.dumps(report.as_data(machine, tables), indent=1) + "\n")
    if asked.markdown:
        before = asked.markdown.read_text() if asked.markdown.exists() else ""
        asked.markdown.write_text(report.as_markdown(machine, tables, before))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables into it")
    return parser


def _benchmark(name: str) -> Callable[[Ground], Table]:
    if name not in BENCHMARKS:
        raise SystemExit(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    found: Callable[[Ground], Table] = importlib.import_module(f"tests.bench.{name}").measure
    return found


if __name__ == "__main__":
    main()
