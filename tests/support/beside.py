"""Work that goes on in threads of its own while a block of code looks at what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

Work = Callable[[threading.Event], None]


@contextmanager
def beside(*works: Work) -> Iterator[None]:
    """Each of `works` gets the event set at the end of the block, where its error is raised."""
    over = threading.Event()
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work, over) for work in works]
        try:
            yield
        finally:
            over.set()
        for future in futures:
            future.result()
