"""Debian's Prometheus, as the judge of our arithmetic and of the rules that we export."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from tests.support.home import free_port, wait_until

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: vllm
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """Answers queries over what it has scraped."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, expression: str, at_s: float | None = None) -> list[dict[str, Any]]:
        """The series of an instant query, each with `metric` and `value` or `values`."""
        asked = {"query": expression, "time": at_s or time.time()}
        with urlopen(f"{self._url}/api/v1/query?{urlencode(asked)}", timeout=60) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found

    def number(self, expression: str, at_s: float) -> float:
        (series,) = self.query(expression, at_s)
        return float(series["value"][1])

    def is_ready(self) -> bool:
        try:
            return any(float(series["value"][1]) == 1 for series in self.query("up"))
        except (URLError, ConnectionError):
            return False


@contextmanager
def scraping(url: str, folder: Path) -> Iterator[Prometheus]:
    """Scrape the server at `url` once a second while the block runs."""
    (folder / "prometheus.yml").write_text(CONFIG.format(target=urlsplit(url).netloc))
    with configured(folder) as found:
        yield found


@contextmanager
def configured(folder: Path) -> Iterator[Prometheus]:
    """Run by the folder's own `prometheus.yml`; the block begins once a target has answered."""
    program = shutil.which("prometheus")
    assert program, "Debian's prometheus is needed: apt-get install prometheus"
    config, port = folder / "prometheus.yml", free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        found = Prometheus(f"http://127.0.0.1:{port}")
        wait_until("Prometheus scrapes the server", found.is_ready)
        yield found
    finally:
        process.terminate()
        process.wait(20)
